// The workloads of bench/ in Go. Speaks the form of bench/harness/workload.h:
//
//	PROGRAM --list
//	PROGRAM WORKLOAD WORKERS N
//	PROGRAM echo_server WORKERS     for bench/net/load.cc
//	PROGRAM http_server WORKERS     for bench/http/load.cc
//	PROGRAM fetch WORKERS SIZE N PORT     for bench/fetch/load.cc
package main

import (
	"fmt"
	"os"
	"strconv"

	"weir/bench/core"
	"weir/bench/harness"
	"weir/bench/net"
)

func main() {
	workloads := []map[string]func(harness.Request){core.Workloads}
	if len(os.Args) == 2 && os.Args[1] == "--list" {
		for _, group := range workloads {
			for name := range group {
				fmt.Println(name)
			}
		}
		return
	}
	servers := map[string]func(int){"echo_server": net.EchoServer, "http_server": net.HTTPServer}
	if len(os.Args) == 3 && servers[os.Args[1]] != nil {
		if workers, err := strconv.Atoi(os.Args[2]); err == nil && workers > 0 {
			servers[os.Args[1]](workers)
		}
	}
	if len(os.Args) == 6 && os.Args[1] == "fetch" {
		net.Fetch(os.Args[2:])
	}
	if len(os.Args) == 4 {
		workers, err1 := strconv.Atoi(os.Args[2])
		n, err2 := strconv.Atoi(os.Args[3])
		for _, group := range workloads {
			if run, ok := group[os.Args[1]]; ok && err1 == nil && err2 == nil && workers > 0 && n > 0 {
				harness.Run(os.Args[1], workers, n, run)
				return
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%s: takes WORKLOAD WORKERS N, --list, echo_server WORKERS, http_server WORKERS or fetch WORKERS SIZE N PORT\n", os.Args[0])
	os.Exit(2)
}
