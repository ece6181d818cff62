package net

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const underWay = 100

// Fetch is the client of bench/fetch/load.cc. Its arguments are those of bench/net/side.h: WORKERS SIZE N PORT.
func Fetch(arguments []string) {
	numbers := make([]int, len(arguments))
	for i, text := range arguments {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			giveUp("fetch takes WORKERS SIZE N PORT, all at least 1")
		}
		numbers[i] = n
	}
	runtime.GOMAXPROCS(numbers[0])
	n := numbers[2]
	url := fmt.Sprintf("http://127.0.0.1:%d/", numbers[3])
	expected := strings.Repeat("x", numbers[1])
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: underWay, MaxConnsPerHost: underWay}}
	getAll(client, url, expected, (n+9)/10)
	fmt.Println("began")
	start := time.Now()
	getAll(client, url, expected, n)
	fmt.Println("ended", n, time.Since(start).Nanoseconds())
	select {} // until it is killed
}

func getAll(client *http.Client, url, expected string, n int) {
	var begun atomic.Int64
	var all sync.WaitGroup
	for i := 0; i < underWay; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for begun.Add(1) <= int64(n) {
				get(client, url, expected)
			}
		}()
	}
	all.Wait()
}

func get(client *http.Client, url, expected string) {
	answer, err := client.Get(url)
	if err != nil {
		giveUp(err.Error())
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || string(body) != expected {
		giveUp("an answer is not what it should be")
	}
}

func giveUp(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(3)
}
