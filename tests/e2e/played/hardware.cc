// Plays the hardware of four kinds of machine, and their vendors. Usage: played_hardware FOLDER
// Writes into FOLDER the roots (amd-root.pem, intel-root.pem, aws-root.pem), Intel's documents for
// an SGX and a TDX machine (sgx.collateral.json, sgx.stale.json, ...), and what a mirror of both
// vendors answers (mirror.json, mirror-stale.json). Then answers played_device (device.cc) on
// FOLDER/socket: one line a connection, "FAMILY WISH,WISH HEX", and two lines back, evidence and
// certificates in hexadecimal. Ends with its parent's signal.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "attestation/nitro/cbor.h"
#include "endorsements/amd.h"
#include "endorsements/intel.h"
#include "net/http_client.h"
#include "tests/e2e/played/machines.h"

namespace apm::played {
namespace {

constexpr std::size_t kQuestionBytesMax = 16 * 1024;

struct World {
  explicit World(std::int64_t now) : snp(now), nitro(now) {}
  SnpHost snp;
  NitroHost nitro;
};

std::int64_t now_s() { return SystemClock().unix_s(); }

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("writing " + path);
}

// ---- What the vendors publish ----

json::Object answer(ByteView body, json::Object headers = {}) {
  return {{"body", hex_encode(body)}, {"headers", std::move(headers)}};
}

void publish_amd(World& world, Span list, json::Object& out) {
  SyntheticMachine& machine = world.snp.own;
  attestation::Appraisal appraisal;
  const auto report =
      must(attestation::snp::parse_report(machine.snp_evidence().report, appraisal));
  const endorsements::VcekQuery query = must(endorsements::vcek_queries(report)).front();
  out.set(endorsements::vcek_target(query), answer(machine.leaf().der()));
  const crypto::CrlSpec spec{.this_update_s = list.from_s,
                             .next_update_s = list.until_s,
                             .serials = {},
                             .critical_extension = {}};
  out.set(endorsements::crl_target(query.product),
          answer(must(crypto::build_crl(spec, machine.ark(), machine.ark_key()))));
}

void publish_intel(bool tdx, std::int64_t now, Span documents, json::Object& out) {
  SyntheticIntel platform = intel_platform(tdx, now, documents);
  const dcap::Collateral made = platform.collateral();
  const auto signed_text = [](const char* name, const dcap::SignedDocument& document) {
    return to_bytes(concat("{\"", name, "\":", document.body, ",\"signature\":\"",
                           hex_encode(document.signature), "\"}"));
  };
  const endorsements::IntelQuery query{tdx ? dcap::Tee::kTdx : dcap::Tee::kSgx, platform.pck.fmspc,
                                       endorsements::PckCa::kPlatform};
  out.set(endorsements::tcb_info_target(query),
          answer(signed_text("tcbInfo", made.tcb_info),
                 {{"TCB-Info-Issuer-Chain", net::url_encode(made.tcb_info.chain_pem)}}));
  out.set(
      endorsements::qe_identity_target(query),
      answer(signed_text("enclaveIdentity", made.qe_identity),
             {{"SGX-Enclave-Identity-Issuer-Chain", net::url_encode(made.qe_identity.chain_pem)}}));
  out.set(endorsements::pck_crl_target(query.ca), answer(made.pck_crl));
  out.set("/sgx/certification/v4/rootcacrl", answer(to_bytes(hex_encode(made.root_crl))));
}

std::string intel_documents(bool tdx, std::int64_t now, Span documents) {
  const dcap::Collateral c = intel_platform(tdx, now, documents).collateral();
  return json::write(json::Object{{"tcb_info", c.tcb_info.body},
                                  {"tcb_info_signature", hex_encode(c.tcb_info.signature)},
                                  {"tcb_info_issuer_chain", c.tcb_info.chain_pem},
                                  {"qe_identity", c.qe_identity.body},
                                  {"qe_identity_signature", hex_encode(c.qe_identity.signature)},
                                  {"qe_identity_issuer_chain", c.qe_identity.chain_pem},
                                  {"pck_crl", hex_encode(c.pck_crl)},
                                  {"root_ca_crl", hex_encode(c.root_crl)}});
}

void publish(World& world, const std::string& folder) {
  const std::int64_t now = now_s();
  const Span good{now - 3600, now + kIntelDay};
  const Span stale{now - 3 * kIntelDay, now - kIntelDay};
  write_text(folder + "/amd-root.pem",
             world.snp.own.ark_pem() + world.snp.own.intermediate().pem());
  write_text(folder + "/aws-root.pem", world.nitro.own.root_pem());
  write_text(folder + "/intel-root.pem", intel_platform(true, now, good).certificates().root.pem());
  for (const bool tdx : {false, true}) {
    const std::string name = concat(folder, "/", tdx ? "tdx" : "sgx");
    write_text(name + ".collateral.json", intel_documents(tdx, now, good));
    write_text(name + ".stale.json", intel_documents(tdx, now, stale));
  }
  for (const auto& [name, span] : {std::pair{"mirror", good}, std::pair{"mirror-stale", stale}}) {
    json::Object answers;
    publish_amd(world, span, answers);
    for (const bool tdx : {false, true}) publish_intel(tdx, now, span, answers);
    write_text(concat(folder, "/", name, ".json"), json::write(json::Value(std::move(answers))));
  }
}

// ---- The hardware ----

// What the Nitro security module is asked, as tee/nsm.cc writes it.
NitroQuestion read_question(ByteView request) {
  attestation::nitro::CborReader reader(request);
  static_cast<void>(must(reader.open_definite_map()));
  if (must(reader.read_text()) != "Attestation") throw std::runtime_error("not a known request");
  NitroQuestion out;
  const std::uint64_t members = must(reader.open_definite_map());
  for (std::uint64_t i = 0; i < members; ++i) {
    const std::string_view name = must(reader.read_text());
    const auto value = must(reader.read_bytes_or_null());
    if (name == "nonce" && value) out.nonce = to_bytes(*value);
    if (name == "public_key" && value) out.public_key = to_bytes(*value);
  }
  return out;
}

Bytes nsm_answer(const Bytes& document) {
  using namespace attestation::testing;
  return cbor_map(
      {{cbor_text("Attestation"), cbor_map({{cbor_text("document"), cbor_bytes(document)}})}});
}

Evidence make(World& world, const std::string& family, const Wish& wish, const Bytes& data) {
  const std::int64_t now = now_s();
  if (family == "aws-nitro") {
    return {nsm_answer(nitro_document(world.nitro, now, wish, read_question(data))), {}};
  }
  if (family == "snp") return snp_evidence(world.snp, wish, data);
  if (family == "tdx" || family == "sgx") return intel_evidence(family == "tdx", now, wish, data);
  throw std::runtime_error("no such family: " + family);
}

std::string reply(World& world, const std::string& line) {
  std::istringstream words(line);
  std::string family, wishes, hex;
  words >> family >> wishes >> hex;
  Wish wish;
  for (const std::string_view one : split(wishes, ',')) wish.emplace(one);
  const Evidence made = make(world, family, wish, must(hex_decode(hex)));
  return hex_encode(made.evidence) + "\n" + hex_encode(made.certificates) + "\n";
}

// ---- The socket ----

std::string read_line(int fd) {
  std::string line;
  char c = 0;
  while (line.size() < kQuestionBytesMax && ::read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

void serve_one(World& world, int fd) {
  std::string text;
  try {
    text = reply(world, read_line(fd));
  } catch (const std::exception& error) {
    std::cerr << "played_hardware: " << error.what() << std::endl;
  }
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::write(fd, text.data() + at, text.size() - at);
    if (put <= 0) break;
    at += static_cast<std::size_t>(put);
  }
  ::close(fd);
}

int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 16) != 0) {
    throw std::runtime_error("listening at " + path + ": " + std::strerror(errno));
  }
  return fd;
}

int run(const std::string& folder) {
  ::signal(SIGPIPE, SIG_IGN);
  World world(now_s());
  publish(world, folder);
  const int listener = listen_at(folder + "/socket");
  std::cout << "ready" << std::endl;
  while (true) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd >= 0) serve_one(world, fd);
  }
}

}  // namespace
}  // namespace apm::played

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: played_hardware FOLDER" << std::endl;
    return 2;
  }
  try {
    return apm::played::run(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "played_hardware: " << error.what() << std::endl;
    return 1;
  }
}
