// Certificates of the test's own, made once with the openssl command: a CA, and what goes wrong with certificates.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "tests/examples/program.h"
#include "weir/net/tls/pem.h"
#include "weir/net/tls/tls_client.h"
#include "weir/net/tls/tls_server.h"

namespace testing {

class certificates {
 public:
  // Made by the first call, and left until the program ends.
  static const certificates& get() {
    static const certificates the_ones;
    return the_ones;
  }

  // `good`: good.test, *.wild.test and 127.0.0.1; `expired`: yesterday; `self`: its own CA; `other`: other.test;
  // `cn.test`: nothing but its subject; `odd`: 21 names, the first with what no terminal should get;
  // `deep`: good.test, with a CA between; `deep_alone`: without it; `client`: for clients; `stranger`: of a CA nobody
  // knows.
  std::string path(const std::string& file) const { return folder_ / file; }
  weir::net::pem ca() const { return weir::net::pem::file(path("ca.pem")); }
  weir::net::pem certificate(const std::string& of) const { return weir::net::pem::file(path(of + ".pem")); }
  weir::net::pem key(const std::string& of) const { return weir::net::pem::file(path(of + ".key")); }

  weir::net::tls_server_options server(const std::string& who = "good") const {
    return {.certificate = certificate(who), .key = key(who)};
  }
  weir::net::tls_client_options client() const { return {.ca = {ca()}}; }
  weir::net::tls_client_options client(const std::string& who) const {
    return {.ca = {ca()}, .certificate = certificate(who), .key = key(who)};
  }

 private:
  certificates() {
    const outcome made = shell("set -e; cd '" + (folder_ / "") + "'\n" + R"(
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
ca() {  # name
  openssl req -x509 $new -keyout $1.key -out $1.pem -days 30 -subj "/O=weir tests/CN=$1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}
leaf() {  # name, its CA, days, extensions
  openssl req -new $new -keyout $1.key -out $1.csr -subj "/CN=$1"
  printf '%b' "basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n$4\n" > $1.ext
  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -set_serial 0x$(openssl rand -hex 8) -days $3 -extfile $1.ext \
    -out $1.pem
}
ca ca
ca unknown
leaf good ca 30 'subjectAltName=DNS:good.test,DNS:*.wild.test,IP:127.0.0.1'
leaf expired ca -1 'subjectAltName=DNS:good.test'
leaf other ca 30 'subjectAltName=DNS:other.test'
leaf cn.test ca 30 ''
leaf odd ca 30 "subjectAltName=DNS:\0033[31mred.test,$(for i in $(seq 19); do printf 'DNS:odd%d.test,' $i; done)DNS:last.test"
leaf client ca 30 'extendedKeyUsage=clientAuth'
leaf stranger unknown 30 'subjectAltName=DNS:good.test'
openssl req -x509 $new -keyout self.key -out self.pem -days 30 -subj /CN=self -addext subjectAltName=DNS:good.test
openssl req -new $new -keyout between.key -out between.csr -subj /CN=between
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' > between.ext
openssl x509 -req -in between.csr -CA ca.pem -CAkey ca.key -set_serial 77 -days 30 -extfile between.ext -out between.pem
leaf deep_alone between 30 'subjectAltName=DNS:good.test'
cat deep_alone.pem between.pem > deep.pem
cp deep_alone.key deep.key
openssl ec -in good.key -aes128 -passout pass:secret -out locked.key
openssl req -x509 -newkey rsa:512 -nodes -keyout weak.key -out weak.pem -days 30 -subj /CN=weak
)");
    INFO(made.err);
    REQUIRE(made.status == 0);
  }

  scratch folder_;
};

}  // namespace testing
