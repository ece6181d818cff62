// echo_server on Boost.Asio with callbacks, one thread.
#include <boost/asio.hpp>
#include <cstdio>
#include <memory>
#include <utility>

namespace {

using boost::asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket s) : socket_(std::move(s)) {}

  void read() {
    socket_.async_read_some(boost::asio::buffer(bytes_),
                            [self = shared_from_this()](boost::system::error_code e, std::size_t n) {
                              if (!e) self->write(n);
                            });
  }

 private:
  void write(std::size_t n) {
    boost::asio::async_write(socket_, boost::asio::buffer(bytes_, n),
                             [self = shared_from_this()](boost::system::error_code e, std::size_t) {
                               if (!e) self->read();
                             });
  }

  tcp::socket socket_;
  char bytes_[1024];
};

void accept(tcp::acceptor& listener) {
  listener.async_accept([&](boost::system::error_code e, tcp::socket s) {
    if (!e) {
      s.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(s))->read();
    }
    accept(listener);
  });
}

}  // namespace

int main() {
  boost::asio::io_context context(1);
  tcp::acceptor listener(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  std::printf("%d\n", listener.local_endpoint().port());
  std::fflush(stdout);
  accept(listener);
  context.run();
}
