package core

import "weir/bench/harness"

func overChannels(r harness.Request, sources int, receive func(n int, c []chan int) int) {
	r.ReportRate(harness.Timed(r.N, func(n int) {
		c := make([]chan int, sources)
		for k := range c {
			c[k] = make(chan int, 128)
			go func(k int) {
				for i := k; i < n; i += sources {
					c[k] <- i
				}
			}(k)
		}
		sum := make(chan int)
		go func() { sum <- receive(n, c) }()
		r.RequireSum("the sum of what was received", <-sum, harness.SumBelow(n))
	}))
}

func select4(r harness.Request) {
	overChannels(r, 4, func(n int, c []chan int) int {
		sum, v := 0, 0
		for i := 0; i < n; i++ {
			select {
			case v = <-c[0]:
			case v = <-c[1]:
			case v = <-c[2]:
			case v = <-c[3]:
			}
			sum += v
		}
		return sum
	})
}

func select16(r harness.Request) {
	overChannels(r, 16, func(n int, c []chan int) int {
		sum, v := 0, 0
		for i := 0; i < n; i++ {
			select {
			case v = <-c[0]:
			case v = <-c[1]:
			case v = <-c[2]:
			case v = <-c[3]:
			case v = <-c[4]:
			case v = <-c[5]:
			case v = <-c[6]:
			case v = <-c[7]:
			case v = <-c[8]:
			case v = <-c[9]:
			case v = <-c[10]:
			case v = <-c[11]:
			case v = <-c[12]:
			case v = <-c[13]:
			case v = <-c[14]:
			case v = <-c[15]:
			}
			sum += v
		}
		return sum
	})
}
