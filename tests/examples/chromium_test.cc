// The page of examples/http_server in a browser: Debian's Chromium, without a screen, driven by Python over DevTools.
#include <string>

#include "tests/examples/example_server.h"
#include "tests/examples/program.h"

using testing::example_server;
using testing::outcome;

namespace {

// Starts Chromium and opens pages in it. Every wait is for an event that Chromium tells of; the alarm is for a test
// that would hang, and makes Python say at which wait.
const char* const driver = R"py(
import ctypes, fcntl, json, os, signal, tempfile, urllib.request

def alarm(*_): raise TimeoutError
signal.signal(signal.SIGALRM, alarm)
signal.alarm(int(os.environ.get('TEST_TIMEOUT', 0)) * 3 // 4)

def ask(path, data=None):  # without a browser
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(f'http://127.0.0.1:{port}{path}', data).read().decode()

class Browser:
    def __enter__(self):
        # Whatever Chromium starts, in sessions of its own too, becomes our child when its parent has ended.
        PR_SET_CHILD_SUBREAPER = 36
        assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        # Below /tmp, as the path of Chromium's Unix socket must be short.
        self.folder = tempfile.TemporaryDirectory(prefix='weir_chromium_', dir='/tmp', ignore_cleanup_errors=True)
        home = self.folder.name
        def pipe():  # away from 3 and 4, where Chromium wants to find its ends
            ends = os.pipe()
            kept = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
            for end in ends: os.close(end)
            return kept
        commands, self.commands = pipe()
        self.answers, answers = pipe()
        flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe',
                 '--user-data-dir=' + home + '/profile', '--log-level=3', '--no-first-run', '--no-proxy-server',
                 # Nobody but the server under test is asked for anything; it has a second name.
                 '--host-resolver-rules=MAP other.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
                 '--disable-background-networking', '--disable-component-update', '--disable-default-apps',
                 '--disable-sync', '--disable-domain-reliability', '--disable-breakpad',
                 # A machine may be slow without anything being stuck.
                 '--disable-gpu-watchdog', '--disable-hang-monitor']
        os.posix_spawn('/usr/bin/chromium', ['chromium', *flags, 'about:blank'],
                       {**os.environ, 'HOME': home, 'TMPDIR': home, 'XDG_CONFIG_HOME': home, 'XDG_CACHE_HOME': home},
                       file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1), (os.POSIX_SPAWN_DUP2, commands, 3),
                                     (os.POSIX_SPAWN_DUP2, answers, 4)])
        os.close(commands)
        os.close(answers)
        self.calls, self.unread, self.events = 0, b'', []
        return self

    # Until none is left: each one that ends may leave us its children.
    def __exit__(self, *_):
        try:
            while True:
                for pid in open(f'/proc/self/task/{os.getpid()}/children').read().split():
                    os.kill(int(pid), signal.SIGKILL)
                os.wait()
        except ChildProcessError: pass
        self.folder.cleanup()

    def read(self):
        while b'\0' not in self.unread:
            part = os.read(self.answers, 1 << 20)
            assert part, 'Chromium has ended'
            self.unread += part
        text, self.unread = self.unread.split(b'\0', 1)
        return json.loads(text)

    def call(self, session, method, **params):
        self.calls += 1
        request = {'id': self.calls, 'method': method, 'params': params} | ({'sessionId': session} if session else {})
        os.write(self.commands, json.dumps(request).encode() + b'\0')
        while (answer := self.read()).get('id') != self.calls: self.events.append(answer)
        assert 'error' not in answer, (method, answer)
        return answer['result']

    # The first event of this kind, which may have come already.
    def event(self, session, method, fits):
        for e in self.events:
            if e.get('sessionId') == session and e['method'] == method and fits(e['params']): return e['params']
        while True:
            self.events.append(e := self.read())
            if e.get('sessionId') == session and e['method'] == method and fits(e['params']): return e['params']

class Page:
    def __init__(self, browser, url):
        self.browser = browser
        target = browser.call(None, 'Target.createTarget', url='about:blank')['targetId']
        self.session = browser.call(None, 'Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log', 'Network': self.call(domain + '.enable')
        self.call('Page.setLifecycleEventsEnabled', enabled=True)
        loader = self.call('Page.navigate', url=url)['loaderId']
        self.response = self.event('Network.responseReceived', lambda e: e['requestId'] == loader)['response']
        self.event('Page.lifecycleEvent', lambda e: e['loaderId'] == loader and e['name'] == 'load')

    def call(self, method, **params): return self.browser.call(self.session, method, **params)
    def event(self, method, fits): return self.browser.event(self.session, method, fits)

    # What an expression of JavaScript is, or what its promise comes to.
    def value(self, expression):
        done = self.call('Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True)
        assert 'exceptionDetails' not in done, done
        return done['result'].get('value')

    # What an expression is as soon as it is true: it is looked at again whenever the page changes.
    def until(self, expression):
        return self.value('''new Promise((done, failed) => {
          const look = () => {
            try {
              const seen = (%s);
              if (!seen) return;
              observer.disconnect();
              done(seen);
            } catch (e) { failed(e) }
          };
          const observer = new MutationObserver(look);
          observer.observe(document, {subtree: true, childList: true, characterData: true});
          look();
        })''' % expression)

    def notes(self, number):
        return self.until('''(all => all.length === %d && all.map(li => li.firstChild.textContent))
                             ([...document.querySelectorAll('li')])''' % number)

    # What the console shows in red.
    def complaints(self):
        said = []
        for e in self.browser.events:
            if e.get('sessionId') != self.session: continue
            what = e['params']
            if e['method'] == 'Log.entryAdded' and what['entry']['level'] == 'error':
                said.append(what['entry']['text'])
            if e['method'] == 'Runtime.exceptionThrown': said.append(what['exceptionDetails'])
            if e['method'] == 'Runtime.consoleAPICalled' and what['type'] in ('error', 'assert'):
                said.append(what['args'])
        return said
)py";

// Runs Python that knows the server's `port` and `pid`, the above, and as `browser` a Chromium that ends with it.
outcome with_chromium(const example_server& web, const std::string& body) {
  return testing::run({"/usr/bin/python3", "-c",
                       "port, pid = " + web.port() + ", " + std::to_string(web.pid()) + driver +
                           "def open_page(path): return Page(browser, f'http://127.0.0.1:{port}{path}')\n"
                           "with Browser() as browser:" +
                           body});
}

}  // namespace

TEST_CASE("two pages in Chromium show what http_server says and hear by WebSocket what others do, until it ends") {
  example_server web({"examples/http_server", "127.0.0.1:0"});
  const outcome said = with_chromium(web, R"py(
    a, b = open_page('/'), open_page('/')
    live = "document.querySelector('#live').innerText"
    for page in a, b:
        print(page.response['status'], page.response['mimeType'], page.value('document.title'))
        page.until("document.querySelector('#state').innerText === '0 notes'")
        page.until('/^[0-9]+ requests so far, [0-9]+ open connections$/.test(' + live + ')')
        print(page.value("document.body.innerText.replace(/[0-9]+ req.*$/, '...').split(/\\s+/).join(' ').trim()"))
    # The numbers: requests of somebody else, and the other page.
    before = max(page.value(f'parseInt({live})') for page in (a, b))
    for _ in range(20): ask('/notes')
    for page in a, b:
        page.until(f'parseInt({live}) >= {before + 20}')
        page.until(f"parseInt({live}.split(', ')[1]) >= 2")
    # The notes: of somebody else, by the form of one page, and away by a button of the other.
    print(ask('/notes', '<b>eggs</b> & "\u00fc"'.encode()).strip())
    for page in a, b: print(page.notes(1))
    a.value("document.querySelector('input').value = 'milk'; document.querySelector('form button').click()")
    for page in a, b: print(page.notes(2))
    b.value("document.querySelector('li button').click()")
    for page in a, b: print(page.notes(1))
    print(json.loads(ask('/notes')))
    for page in a, b: print(page.until("document.querySelector('#state').innerText === '1 note'"), page.complaints())
    os.kill(pid, signal.SIGTERM)
    for page in a, b: print(page.until(live + " === 'not connected'"))
)py");
  INFO(said.err);
  const std::string opened = "200 text/html notes\nNotes add 0 notes ...\n", eggs = "'<b>eggs</b> & \"\u00fc\"'";
  const std::string one = "[" + eggs + "]\n", two = "[" + eggs + ", 'milk']\n";
  REQUIRE(said.out == opened + opened + "{\"id\": 1}\n" + one + one + two + two +
                          "['milk']\n['milk']\n[{'id': 2, 'text': 'milk'}]\nTrue []\nTrue []\nTrue\nTrue\n");
  CHECK(web.wait().status == 0);
  CHECK(web.complaints().empty());
}

TEST_CASE("Chromium shows what http_server says of what is not there, and a page of another host hears nothing of it") {
  example_server web({"examples/http_server", "127.0.0.1:0"});
  const outcome said = with_chromium(web, R"py(
    page = open_page('/nothing')
    print(page.response['status'], page.response['mimeType'], page.until('document.body.innerText.trim()'))
    # Of this path: this answer names no icon, so Chromium asks for one, at a time of its own.
    said = page.event('Log.entryAdded', lambda e: e['entry'].get('url') == f'http://127.0.0.1:{port}/nothing')['entry']
    print(said['level'], said['text'])
    print(page.value('''fetch('/notes/7', {method: 'DELETE'})
                          .then(async (r) => r.status + ' ' + (await r.text()).trim())'''))
    other = Page(browser, f'http://other.example:{port}/')
    print(other.response['status'], other.value('location.origin') != page.value('location.origin'))
    print(other.value('''new Promise((done) => {
      const live = new WebSocket('ws://127.0.0.1:' + location.port + '/live');
      live.onopen = () => done('connected');
      live.onerror = () => done('refused');
    })'''))
    said = other.event('Log.entryAdded', lambda e: 'WebSocket' in e['entry']['text'])['entry']['text']
    print(said[said.index('Unexpected'):])
)py");
  INFO(said.err);
  CHECK(said.out ==
        "404 text/plain There is nothing at this path.\n"
        "error Failed to load resource: the server responded with a status of 404 (Not Found)\n"
        "404 There is no such note.\n"
        "200 True\nrefused\nUnexpected response code: 403\n");
  CHECK(web.terminate().status == 0);
  CHECK(web.complaints().empty());
}
