#include "attestation/dcap/tcb_documents.h"

#include "attestation/dcap/fields.h"
#include "attestation/limits.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace apm::attestation::dcap {
namespace {

constexpr std::uint64_t kTcbInfoVersion = 3;
constexpr std::uint64_t kQeIdentityVersion = 2;
constexpr std::uint64_t kSvnMax = 0xffff;

// Reads members; the first fault is kept, and everything after it reads as nothing.
class Reader {
 public:
  Bytes hex(const json::Value& object, std::string_view name, std::size_t size) {
    const std::string* text = object.string_at(name);
    auto bytes = hex_decode(text == nullptr ? "-" : *text);
    if (!bytes.ok() || bytes->size() != size) {
      fault(name);
      return Bytes(size);
    }
    return std::move(*bytes);
  }
  std::uint64_t number(const json::Value& object, std::string_view name, std::uint64_t max) {
    const json::Value* value = object.at(name);
    const auto number = value == nullptr ? std::nullopt : value->as_uint();
    if (!number || *number > max) fault(name);
    return number.value_or(0);
  }
  std::string text(const json::Value& object, std::string_view name) {
    const std::string* text = object.string_at(name);
    if (text == nullptr) fault(name);
    return text == nullptr ? "" : *text;
  }
  std::int64_t time(const json::Value& object, std::string_view name) {
    const auto seconds = parse_rfc3339_s(text(object, name));
    if (!seconds) fault(name);
    return seconds.value_or(0);
  }
  const json::Array& list(const json::Value& object, std::string_view name) {
    static const json::Array kNone;
    const json::Value* value = object.at(name);
    const json::Array* array = value == nullptr ? nullptr : value->as_array();
    if (array == nullptr || array->size() > kTcbLevelsMax) fault(name);
    return array == nullptr ? kNone : *array;
  }
  const json::Value& object(const json::Value& parent, std::string_view name) {
    static const json::Value kNone;
    const json::Value* value = parent.at(name);
    if (value == nullptr || value->as_object() == nullptr) {
      fault(name);
      return kNone;
    }
    return *value;
  }
  void fault(std::string_view name) {
    if (fault_.empty()) fault_ = name;
  }
  [[nodiscard]] const std::string& first_fault() const { return fault_; }

 private:
  std::string fault_;
};

DocumentHeader read_header(Reader& reader, const json::Value& document, std::uint64_t version) {
  DocumentHeader header;
  header.id = reader.text(document, "id");
  if (reader.number(document, "version", version) != version) reader.fault("version");
  header.issue_date_s = reader.time(document, "issueDate");
  header.next_update_s = reader.time(document, "nextUpdate");
  header.evaluation_number = reader.number(document, "tcbEvaluationDataNumber", UINT32_MAX);
  return header;
}

TcbStatus read_status(Reader& reader, const json::Value& level) {
  const auto status = tcb_status_of(reader.text(level, "tcbStatus"));
  if (!status || *status == TcbStatus::kTdRelaunchAdvised ||
      *status == TcbStatus::kTdRelaunchAdvisedConfigurationNeeded) {
    reader.fault("tcbStatus");
    return TcbStatus::kRevoked;
  }
  return *status;
}

Advisories read_advisories(Reader& reader, const json::Value& level) {
  Advisories out;
  if (level.at("advisoryIDs") == nullptr) return out;
  for (const json::Value& id : reader.list(level, "advisoryIDs")) {
    if (id.as_string() == nullptr) {
      reader.fault("advisoryIDs");
      continue;
    }
    out.insert(*id.as_string());
  }
  return out;
}

std::vector<SvnLevel> read_svn_levels(Reader& reader, const json::Value& owner) {
  std::vector<SvnLevel> out;
  for (const json::Value& level : reader.list(owner, "tcbLevels")) {
    SvnLevel one{reader.number(reader.object(level, "tcb"), "isvsvn", kSvnMax),
                 read_status(reader, level), read_advisories(reader, level)};
    if (one.status != TcbStatus::kUpToDate && one.status != TcbStatus::kOutOfDate &&
        one.status != TcbStatus::kRevoked) {
      reader.fault("tcbStatus");
    }
    out.push_back(std::move(one));
  }
  if (out.empty()) reader.fault("tcbLevels");
  return out;
}

Components read_components(Reader& reader, const json::Value& tcb, std::string_view name) {
  Components out{};
  const json::Array& list = reader.list(tcb, name);
  if (list.size() != out.size()) {
    reader.fault(name);
    return out;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(reader.number(list[i], "svn", 0xff));
  }
  return out;
}

TcbLevel read_level(Reader& reader, const json::Value& level, bool tdx) {
  const json::Value& tcb = reader.object(level, "tcb");
  TcbLevel out;
  out.sgx = read_components(reader, tcb, "sgxtcbcomponents");
  if (tdx) out.tdx = read_components(reader, tcb, "tdxtcbcomponents");
  out.pce_svn = reader.number(tcb, "pcesvn", kSvnMax);
  out.status = read_status(reader, level);
  out.advisories = read_advisories(reader, level);
  return out;
}

TdxModuleIdentity read_module(Reader& reader, const json::Value& module) {
  TdxModuleIdentity out;
  out.mr_signer = reader.hex(module, "mrsigner", 48);
  out.attributes = reader.hex(module, "attributes", 8);
  out.attributes_mask = reader.hex(module, "attributesMask", 8);
  return out;
}

std::vector<TdxModuleIdentity> read_modules(Reader& reader, const json::Value& document) {
  std::vector<TdxModuleIdentity> out;
  out.push_back(read_module(reader, reader.object(document, "tdxModule")));
  if (document.at("tdxModuleIdentities") == nullptr) return out;
  for (const json::Value& module : reader.list(document, "tdxModuleIdentities")) {
    TdxModuleIdentity one = read_module(reader, module);
    one.id = reader.text(module, "id");
    one.levels = read_svn_levels(reader, module);
    if (one.id.empty()) reader.fault("tdxModuleIdentities");
    out.push_back(std::move(one));
  }
  return out;
}

Result<json::Value> parse_body(std::string_view body, const std::string& reason) {
  json::Limits limits;
  limits.bytes_max = kTcbDocumentBytesMax;
  auto document = json::parse(body, limits);
  if (!document.ok()) return refused(reason, document.error().message);
  return document;
}

Status faultless(const Reader& reader, const std::string& reason) {
  if (reader.first_fault().empty()) return {};
  return refused(
      reason, concat("member \"", reader.first_fault(), "\" is absent or not of the known form"));
}

}  // namespace

Result<TcbInfo> parse_tcb_info(std::string_view body) {
  const std::string reason = "dcap_tcb_info_malformed";
  APM_TRY(const json::Value document, parse_body(body, reason));
  Reader reader;
  TcbInfo out;
  out.header = read_header(reader, document, kTcbInfoVersion);
  out.fmspc = reader.hex(document, "fmspc", 6);
  out.pce_id = reader.hex(document, "pceId", 2);
  reader.number(document, "tcbType", 0);  // how to compare levels: only 0 is defined
  const bool tdx = out.header.id == "TDX";
  if (tdx) out.modules = read_modules(reader, document);
  for (const json::Value& level : reader.list(document, "tcbLevels")) {
    out.levels.push_back(read_level(reader, level, tdx));
  }
  APM_CHECK_OK(faultless(reader, reason));
  return out;
}

Result<QeIdentity> parse_qe_identity(std::string_view body) {
  const std::string reason = "dcap_qe_identity_malformed";
  APM_TRY(const json::Value document, parse_body(body, reason));
  Reader reader;
  QeIdentity out;
  out.header = read_header(reader, document, kQeIdentityVersion);
  out.misc_select = reader.hex(document, "miscselect", 4);
  out.misc_select_mask = reader.hex(document, "miscselectMask", 4);
  out.attributes = reader.hex(document, "attributes", 16);
  out.attributes_mask = reader.hex(document, "attributesMask", 16);
  out.mr_signer = reader.hex(document, "mrsigner", 32);
  out.isv_prod_id = reader.number(document, "isvprodid", kSvnMax);
  out.levels = read_svn_levels(reader, document);
  APM_CHECK_OK(faultless(reader, reason));
  return out;
}

}  // namespace apm::attestation::dcap
