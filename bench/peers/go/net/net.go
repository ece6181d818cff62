// Package net is the servers of bench/net/load.cc and bench/http/load.cc, and the client of bench/fetch/load.cc, in Go.
package net

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

// EchoServer prints its port and serves until it is killed.
func EchoServer(workers int) {
	runtime.GOMAXPROCS(workers)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		c, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go serve(c)
	}
}

func serve(c net.Conn) {
	defer c.Close()
	bytes := make([]byte, 1024)
	for {
		n, err := c.Read(bytes)
		if err != nil {
			return
		}
		if _, err := c.Write(bytes[:n]); err != nil {
			return
		}
	}
}
