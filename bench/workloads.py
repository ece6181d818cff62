"""What bench/run measures. To add a workload, write its part for each system and add it here."""
import dataclasses

LOWER, HIGHER = "lower", "higher"


@dataclasses.dataclass(frozen=True)
class Metric:
    name: str  # as the programs print it
    unit: str
    better: str  # LOWER or HIGHER
    targets: dict = dataclasses.field(default_factory=dict)  # by workers; a metric without any is for information
    within: float = 0.0  # times what the system `of` reaches in the same run: the target, if there is no other
    of: str = ""


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str  # as the programs list it
    n: int  # how much work; the same for every system
    metrics: tuple
    workers: tuple = (1, 2)
    # The machine's own steps that one unit of the work cannot do without: floor's name -> how many.
    floor: dict = dataclasses.field(default_factory=dict)
    quick_n: int = 0  # with --quick; 0: a tenth of n
    later: bool = False  # weir's side comes with a later issue

    def amount(self, quick):
        return (self.quick_n or max(1, self.n // 10)) if quick else self.n


@dataclasses.dataclass(frozen=True)
class System:
    name: str  # as --peers and the JSON have it
    label: str  # column head


@dataclasses.dataclass(frozen=True)
class Theme:
    """Workloads with the same peers: a table of its own."""
    name: str
    peers: tuple
    workloads: tuple
    program: str = "core"  # weir's, as bench/run builds it
    load: str = ""  # what starts the systems' programs and measures them; without it they measure themselves
    folder: str = ""  # of all its peers but Go, in peers/; without it each has its own. NAME_client.py there is a peer
    always: str = ""  # the peer that does nothing but the machine's own steps: measured in every run, in place of floors


def time_each(w1, w2=None):
    return (Metric("time", "ns", LOWER, {k: v for k, v in ((1, w1), (2, w2)) if v is not None}),)


def rate(w1, w2):
    return (Metric("rate", "M/s", HIGHER, {1: w1, 2: w2}),)


def both(value):
    return {1: value, 2: value}


IDLE = (
    Metric("memory", "B", LOWER, both(4700)),
    Metric("create", "ns", LOWER, both(1700)),
    Metric("create_pooled", "ns", LOWER, both(150)),
    Metric("wake_end", "ns", LOWER, both(500)),
    Metric("mappings", "maps", LOWER),
)

# Two channel operations a message, each with a lock: one read-modify-write.
TWO_LOCKS = {"cas": 2}

FLOORS = (
    Workload("raw_switch", 20_000_000, time_each(None), workers=(1,)),
    Workload("cas", 20_000_000, time_each(None), workers=(1,)),
    Workload("moodycamel", 5_000_000, time_each(None), workers=(1,)),
    Workload("cache_line", 2_000_000, time_each(None), workers=(2,)),
    Workload("eventfd_wake", 20_000, time_each(None), workers=(2,)),
)

CORE = Theme(
    name="core",
    peers=(System("go", "Go"), System("boost_fiber", "Boost.Fiber")),
    workloads=(
        Workload("switch", 10_000_000, time_each(20, 25), floor={"raw_switch": 1}),
        Workload("pingpong", 2_000_000, time_each(80, 90), floor={"raw_switch": 2, "cas": 4}),
        Workload("pingpong_cross", 20_000, time_each(None, 1000), workers=(2,),
                 floor={"cache_line": 1, "raw_switch": 2}),
        Workload("stream128", 10_000_000, rate(150, 50), floor=TWO_LOCKS),
        Workload("stream1024", 10_000_000, rate(150, 50), floor=TWO_LOCKS),
        Workload("stream64B_128", 10_000_000, rate(50, 40), floor=TWO_LOCKS),
        Workload("mpmc", 10_000_000, rate(50, 35), floor=TWO_LOCKS),
        Workload("select4", 2_000_000, rate(25, 20), floor=TWO_LOCKS),
        Workload("select16", 1_000_000, rate(20, 18), floor=TWO_LOCKS),
        Workload("spawn", 1_000_000, time_each(90, 150)),
        Workload("skynet", 1_000_000, (Metric("time", "ms", LOWER, both(250)),)),
        Workload("ring", 2_000_000, time_each(120, 130), floor={"raw_switch": 1, "cas": 2}),
        Workload("idle100k", 100_000, IDLE),
        Workload("idle1m", 1_000_000, IDLE),
        Workload("idle100k_64KiB", 100_000, (Metric("memory", "B", LOWER, both(4300)),)),
        Workload("timers", 100_000, (
            Metric("p50_late", "ms", LOWER),
            Metric("p99_late", "ms", LOWER, both(0.4)),
            Metric("cpu", "s", LOWER, both(0.25)),
        )),
        Workload("mutex8", 5_000_000, time_each(13, 60), floor={"cas": 1}),
        Workload("pool", 100_000, (Metric("share", "x", HIGHER, both(0.97)),)),
        Workload("pipeline", 5_000_000, rate(15, 15), floor={"cas": 8}),
        Workload("pipeline_composed", 50_000_000, rate(100, 100)),
    ),
)


def echo(rate=0.0, cpu=0.0, p50=None, p99=0.0):
    """Multiples of bare epoll's rate and CPU time, microseconds, and a multiple of libuv's p99."""
    return (
        Metric("rate", "k/s", HIGHER, within=rate, of="raw_epoll"),
        Metric("cpu", "us", LOWER, within=cpu, of="raw_epoll"),  # of the server, a request
        Metric("p50", "us", LOWER, both(p50) if p50 else {}),
        Metric("p99", "us", LOWER, within=p99, of="libuv"),
    )


NET = Theme(
    name="byte streams: echo of 64 bytes, one in flight per connection",
    peers=(System("raw_epoll", "raw epoll"), System("libuv", "libuv"), System("asio", "Asio"), System("go", "Go")),
    workloads=(
        Workload("echo1", 50_000, echo(p50=20), workers=(2,), quick_n=1000),
        Workload("echo100", 1_000_000, echo(rate=0.97, cpu=1.1), quick_n=10_000),
        Workload("echo1000", 1_000_000, echo(rate=0.97, cpu=1.15, p99=1), quick_n=10_000),
        Workload("connected10k", 10_000, (Metric("memory", "B", LOWER, both(6144)),), quick_n=500),
    ),
    program="net",
    load="load",
    folder="net",
    always="raw_epoll",
)

HTTP = Theme(
    name="HTTP: 1 KiB to wrk, 100 connections",
    peers=(System("go", "Go"),),
    workloads=(
        Workload("http100", 5, (  # seconds
            Metric("rate", "k/s", HIGHER, within=1.3, of="go"),
            Metric("cpu", "us", LOWER),  # of the server, a request
            Metric("p99", "us", LOWER),
        ), quick_n=1),
    ),
    program="http",
    load="http_load",
)

FETCH = Theme(
    name="HTTP client: 1 KiB from nginx, 100 at once",
    peers=(System("libcurl", "libcurl"), System("go", "Go"), System("aiohttp", "aiohttp"),
           System("gevent", "gevent+urllib3")),
    workloads=(
        Workload("fetch100", 50_000, (
            Metric("rate", "k/s", HIGHER, both(65)),
            Metric("cpu", "us", LOWER, both(16)),  # of the client, a request
        )),
    ),
    program="fetch",
    load="fetch_load",
    folder="fetch",
)

SOCKET_CPU = Metric("cpu", "us", LOWER)  # of all processes, a message that arrives or a round trip


def arriving(least=None, unit="M/s", within=0.0):
    """Messages that arrive in a second: so many, or a multiple of what libzmq reaches."""
    return (Metric("rate", unit, HIGHER, both(least) if least else {}, within=within, of="libzmq"), SOCKET_CPU)


def round_trip(**targets):
    """Microseconds."""
    return (Metric("time", "us", LOWER, {int(k[1:]): v for k, v in targets.items()}), Metric("p50", "us", LOWER),
            Metric("p99", "us", LOWER), SOCKET_CPU)


SOCKET = Theme(
    name="message sockets: 64 bytes a message, where nothing else is said",
    peers=(System("libzmq", "libzmq"), System("nng", "nng")),
    workloads=(
        Workload("push_pull_64B", 4_000_000, arriving(8), quick_n=100_000),
        Workload("push_pull_1KB", 1_000_000, arriving(2), quick_n=20_000),
        Workload("push_pull_64KB", 50_000, arriving(unit="k/s", within=1.2), quick_n=2000),
        Workload("push_pull_inproc", 4_000_000, arriving(20), quick_n=100_000),
        Workload("req_rep", 20_000, round_trip(w2=75), quick_n=1000),
        Workload("req_rep_loop", 20_000, round_trip(w1=8), quick_n=1000),
        Workload("pub_sub_10", 300_000, arriving(10), quick_n=10_000),
    ),
    program="socket",
    load="socket_load",
)

THEMES = (CORE, NET, HTTP, FETCH, SOCKET)
