package net

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// HTTPServer prints its port and answers with 1 KiB until it is killed.
func HTTPServer(workers int) {
	runtime.GOMAXPROCS(workers)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	body := []byte(strings.Repeat("x", 1024))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(body)
	})
	fmt.Fprintln(os.Stderr, http.Serve(listener, mux))
	os.Exit(1)
}
