package core

import (
	"runtime"
	"sync"

	"weir/bench/harness"
)

func yields(r harness.Request) {
	r.ReportEach(harness.Timed(r.N, func(n int) {
		var done [2]int
		var all sync.WaitGroup
		all.Add(2)
		for i := 0; i < 2; i++ {
			go func(i int) {
				mine := 0
				for k := i; k < n; k += 2 {
					runtime.Gosched()
					mine++
				}
				done[i] = mine
				all.Done()
			}(i)
		}
		all.Wait()
		r.RequireSum("yields", done[0]+done[1], n)
	}))
}

func pingpong(r harness.Request)      { roundTrips(r, false) }
func pingpongCross(r harness.Request) { roundTrips(r, true) }

// `across`: each side has an OS thread of its own.
func roundTrips(r harness.Request, across bool) {
	r.ReportEach(harness.Timed(r.N, func(n int) {
		there, back, sum := make(chan int), make(chan int), make(chan int)
		go func() {
			if across {
				runtime.LockOSThread()
			}
			for v := range there {
				back <- v + 1
			}
		}()
		go func() {
			if across {
				runtime.LockOSThread()
			}
			mine := 0
			for i := 0; i < n; i++ {
				there <- i
				mine += <-back
			}
			close(there)
			sum <- mine
		}()
		r.RequireSum("the sum of what came back", <-sum, harness.SumBelow(n)+n)
	}))
}

type wide struct {
	value int
	rest  [7]int
}

func stream[T any](capacity int, make_ func(int) T, number func(T) int) func(harness.Request) {
	return func(r harness.Request) {
		r.ReportRate(harness.Timed(r.N, func(n int) {
			c, sum := make(chan T, capacity), make(chan int)
			go func() {
				for i := 0; i < n; i++ {
					c <- make_(i)
				}
				close(c)
			}()
			go func() {
				mine := 0
				for v := range c {
					mine += number(v)
				}
				sum <- mine
			}()
			r.RequireSum("the sum of what was received", <-sum, harness.SumBelow(n))
		}))
	}
}

func mpmc(r harness.Request) {
	const peers = 8
	r.ReportRate(harness.Timed(r.N, func(n int) {
		c, sums := make(chan int, 128), make(chan int, peers)
		var senders sync.WaitGroup
		senders.Add(peers)
		for p := 0; p < peers; p++ {
			go func(p int) {
				for i := p; i < n; i += peers {
					c <- i
				}
				senders.Done()
			}(p)
			go func() {
				mine := 0
				for v := range c {
					mine += v
				}
				sums <- mine
			}()
		}
		senders.Wait()
		close(c)
		sum := 0
		for p := 0; p < peers; p++ {
			sum += <-sums
		}
		r.RequireSum("the sum of what was received", sum, harness.SumBelow(n))
	}))
}

func pipeline(r harness.Request) {
	const stages = 3
	r.ReportRate(harness.Timed(r.N, func(n int) {
		source, sum := make(chan int, 128), make(chan int)
		go func() {
			for i := 0; i < n; i++ {
				source <- i
			}
			close(source)
		}()
		from := source
		for k := 0; k < stages; k++ {
			to := make(chan int, 128)
			go func(from, to chan int) {
				for v := range from {
					to <- v + 1
				}
				close(to)
			}(from, to)
			from = to
		}
		go func() {
			mine := 0
			for v := range from {
				mine += v
			}
			sum <- mine
		}()
		r.RequireSum("the sum of what came through", <-sum, harness.SumBelow(n)+stages*n)
	}))
}

func mutex8(r harness.Request) {
	const lockers = 8
	r.ReportEach(harness.Timed(r.N, func(n int) {
		var mutex sync.Mutex
		var all sync.WaitGroup
		count := 0
		all.Add(lockers)
		for p := 0; p < lockers; p++ {
			go func(p int) {
				for i := p; i < n; i += lockers {
					mutex.Lock()
					count++
					mutex.Unlock()
				}
				all.Done()
			}(p)
		}
		all.Wait()
		r.RequireSum("the count", count, n)
	}))
}
