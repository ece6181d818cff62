// Package core is bench/core in Go: the same work with the same parameters.
package core

import "weir/bench/harness"

var Workloads = map[string]func(harness.Request){
	"switch":         yields,
	"pingpong":       pingpong,
	"pingpong_cross": pingpongCross,
	"stream128":      stream[int](128, func(i int) int { return i }, func(v int) int { return v }),
	"stream1024":     stream[int](1024, func(i int) int { return i }, func(v int) int { return v }),
	"stream64B_128": stream[wide](128, func(i int) wide { return wide{value: i} },
		func(v wide) int { return v.value }),
	"mpmc":     mpmc,
	"select4":  select4,
	"select16": select16,
	"spawn":    spawn,
	"skynet":   skynet,
	"ring":     ring,
	"idle100k": idle,
	"idle1m":   idle,
	"timers":   timers,
	"mutex8":   mutex8,
	"pool":     pool,
	"pipeline": pipeline,
}
