// Package harness is bench/harness in Go.
package harness

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type Request struct {
	Workload string
	Workers  int
	N        int
}

func Run(name string, workers, n int, run func(Request)) {
	runtime.GOMAXPROCS(workers)
	run(Request{name, workers, n})
}

func (r Request) Report(metric string, value float64, unit string) {
	fmt.Printf("%s %s %.6g %s\n", r.Workload, metric, value, unit)
}

// RequireSum ends the program before a figure is printed, if the work was not done as it should be.
func (r Request) RequireSum(what string, got, expected int) {
	if got != expected {
		fmt.Fprintf(os.Stderr, "%s: %s is %d, not %d\n", r.Workload, what, got, expected)
		os.Exit(3)
	}
}

// Timed runs body once on a tenth of the work, then measures it.
func Timed(n int, body func(n int)) time.Duration {
	warm := n / 10
	if warm == 0 {
		warm = 1
	}
	body(warm)
	start := time.Now()
	body(n)
	return time.Since(start)
}

func (r Request) ReportEach(took time.Duration) {
	r.Report("time", float64(took.Nanoseconds())/float64(r.N), "ns")
}

func (r Request) ReportRate(took time.Duration) {
	r.Report("rate", float64(r.N)*1e3/float64(took.Nanoseconds()), "M/s")
}

func SumBelow(n int) int { return n * (n - 1) / 2 }

// OccupiedBytes is resident memory and page tables.
func OccupiedBytes() int {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	kib := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[0] == "VmRSS:" || fields[0] == "VmPTE:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				panic(err)
			}
			kib += n
		}
	}
	return kib * 1024
}

func Mappings() int {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	return bytes.Count(maps, []byte{'\n'})
}

// WarmMemory touches so many bytes and gives them back, as bench/harness/memory.h does.
func WarmMemory(size int) {
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_POPULATE)
	if err == nil {
		syscall.Munmap(memory)
	}
}

// CPUSeconds is user and system time of the process so far.
func CPUSeconds() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) * 1e-9
}

// SleepOf is the i-th sleeper's time, as in bench/harness/sleepers.h.
func SleepOf(i int) time.Duration {
	z := uint64(i+1) * 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return time.Duration((z^(z>>31))%1000001) * time.Microsecond
}

func (r Request) ReportSleepers(late []time.Duration, cpuBefore float64) {
	cpu := CPUSeconds() - cpuBefore
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	if late[0] < 0 {
		r.RequireSum("sleepers that woke early", 1, 0)
	}
	milliseconds := func(share float64) float64 {
		return float64(late[int(share*float64(len(late)-1))].Nanoseconds()) * 1e-6
	}
	r.Report("p50_late", milliseconds(0.5), "ms")
	r.Report("p99_late", milliseconds(0.99), "ms")
	r.Report("cpu", cpu, "s")
}

// BusyWork takes so many steps of arithmetic, as bench/harness/busy_work.h does.
func BusyWork(steps int, seed uint64) uint64 {
	for i := 0; i < steps; i++ {
		seed = seed*6364136223846793005 + 1442695040888963407
	}
	return seed
}

var sink uint64

// StepsThatLast is how many steps last `length` on an otherwise idle core.
func StepsThatLast(length time.Duration) int {
	const tried = 20000000
	quickest := time.Hour
	for i := 0; i < 5; i++ {
		start := time.Now()
		sink += BusyWork(tried, uint64(i))
		if took := time.Since(start); took < quickest {
			quickest = took
		}
	}
	return int(tried * length.Nanoseconds() / quickest.Nanoseconds())
}
