package core

import (
	"sync"
	"sync/atomic"
	"time"

	"weir/bench/harness"
)

func spawn(r harness.Request) {
	const batch = 10000
	r.ReportEach(harness.Timed(r.N, func(n int) {
		slots := make([]int, batch)
		sum := 0
		for first := 0; first < n; first += batch {
			end := first + batch
			if end > n {
				end = n
			}
			var all sync.WaitGroup
			all.Add(end - first)
			for i := first; i < end; i++ {
				go func(i int, slot *int) {
					*slot = i
					all.Done()
				}(i, &slots[i-first])
			}
			all.Wait()
			for i := first; i < end; i++ {
				sum += slots[i-first]
			}
		}
		r.RequireSum("the sum of what the actors wrote", sum, harness.SumBelow(n))
	}))
}

func node(up chan<- int, first, leaves int) {
	if leaves == 1 {
		up <- first
		return
	}
	c := make(chan int, 16)
	share := leaves / 10
	for i := 0; i < 10; i++ {
		go node(c, first+i*share, share)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-c
	}
	up <- sum
}

func skynet(r harness.Request) {
	took := harness.Timed(r.N, func(n int) {
		leaves := 1
		for leaves*10 <= n {
			leaves *= 10
		}
		up := make(chan int, 1)
		go node(up, 0, leaves)
		r.RequireSum("the sum of the leaves", <-up, harness.SumBelow(leaves))
	})
	r.Report("time", float64(took.Nanoseconds())*1e-6, "ms")
}

func ring(r harness.Request) {
	size := 10000
	if r.N < size {
		size = r.N
	}
	finished := make(chan time.Time, 1)
	passed := make([]int, size)
	var all sync.WaitGroup
	all.Add(size)
	first := make(chan int)
	in := first
	for i := 0; i < size; i++ {
		out := first
		if i+1 < size {
			out = make(chan int)
		}
		// A closed channel ends its receiver, which closes the next: once around.
		go func(in, out chan int, passed *int) {
			defer all.Done()
			mine := 0
			for left := range in {
				mine++
				if left == 1 {
					finished <- time.Now()
				} else {
					out <- left - 1
				}
			}
			*passed = mine
			if out != first {
				close(out)
			}
		}(in, out, &passed[i])
		in = out
	}
	warm := 2 * size
	first <- warm
	<-finished
	start := time.Now()
	first <- r.N
	took := (<-finished).Sub(start)
	close(first)
	all.Wait()
	sum := 0
	for _, p := range passed {
		sum += p
	}
	r.RequireSum("hops", sum, warm+r.N)
	r.ReportEach(took)
}

func timers(r harness.Request) {
	late := make([]time.Duration, r.N)
	before := harness.CPUSeconds()
	var all sync.WaitGroup
	all.Add(r.N)
	for i := 0; i < r.N; i++ {
		go func(i int) {
			until := time.Now().Add(harness.SleepOf(i))
			time.Sleep(time.Until(until))
			late[i] = time.Since(until)
			all.Done()
		}(i)
	}
	all.Wait()
	r.ReportSleepers(late, before)
}

func idle(r harness.Request) {
	harness.WarmMemory(r.N * 6144)
	before := harness.OccupiedBytes()
	each := func(start time.Time) float64 { return float64(time.Since(start).Nanoseconds()) / float64(r.N) }
	var wakes int64
	round := func() (spawnNs, bytes, wakeNs float64) {
		var passed sync.WaitGroup
		first, second := make(chan struct{}), make(chan struct{})
		passed.Add(r.N)
		start := time.Now()
		for i := 0; i < r.N; i++ {
			go func() {
				passed.Done()
				<-first
				atomic.AddInt64(&wakes, 1)
				passed.Done()
				<-second
				atomic.AddInt64(&wakes, 1)
				passed.Done()
			}()
		}
		passed.Wait()
		spawnNs = each(start)

		passed.Add(r.N)
		close(first)
		passed.Wait()
		bytes = float64(harness.OccupiedBytes()-before) / float64(r.N)

		passed.Add(r.N)
		start = time.Now()
		close(second)
		passed.Wait()
		return spawnNs, bytes, each(start)
	}
	fresh, bytes, wake := round()
	pooled, _, _ := round()
	r.RequireSum("wake-ups", int(wakes), 4*r.N)
	r.Report("memory", bytes, "B")
	r.Report("create", fresh, "ns")
	r.Report("create_pooled", pooled, "ns")
	r.Report("wake_end", wake, "ns")
	r.Report("mappings", float64(harness.Mappings()), "maps")
}

// Jobs of 10 us for GOMAXPROCS goroutines, which is Go's way: its goroutines are the pool.
func pool(r harness.Request) {
	steps := harness.StepsThatLast(10 * time.Microsecond)
	took := harness.Timed(r.N, func(n int) {
		jobs, results := make(chan int, 128), make(chan int, 128)
		for w := 0; w < r.Workers; w++ {
			go func() {
				for i := range jobs {
					if harness.BusyWork(steps, uint64(i)) == 0 {
						i = -1
					}
					results <- i
				}
			}()
		}
		go func() {
			for i := 0; i < n; i++ {
				jobs <- i
			}
			close(jobs)
		}()
		sum := 0
		for i := 0; i < n; i++ {
			sum += <-results
		}
		r.RequireSum("the sum of the results", sum, harness.SumBelow(n))
	})
	r.Report("share", float64(r.N)*10e3/float64(r.Workers)/float64(took.Nanoseconds()), "x")
}
