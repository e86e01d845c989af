#include "boot/azure_storage.h"

#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "boot/config.h"

namespace apm::boot {
namespace {

Error refuse(std::string text) { return {Code::kInvalidArgument, "config", std::move(text)}; }

Result<std::string> endpoint_of(const Config& config) {
  const AzureStorageConfig& azure = config.storage.azure;
  if (azure.blob_endpoint.empty()) return azure::blob_endpoint(azure.account, azure.environment);
  APM_TRY(const net::Url url, net::parse_url(azure.blob_endpoint));
  const bool test = config.kind == barrier::StoreKind::kTest;
  if (url.scheme == "https" || (test && net::is_loopback(url.host))) return azure.blob_endpoint;
  return refuse(
      "storage \"azure\": a blob_endpoint over plain http is for a test store on loopback alone");
}

// What a test does must not reach a real account: with connect_to, everything https stays on this
// machine.
Status check_reach(const Config& config, const std::string& endpoint) {
  if (config.kind != barrier::StoreKind::kTest) return {};
  APM_TRY(const net::Url url, net::parse_url(endpoint));
  const bool redirected = config.test && !config.test->connect_to.empty();
  if (redirected || net::is_loopback(url.host)) return {};
  return refuse(concat("storage \"azure\": a test store refuses ", url.host,
                       ", which is not on this machine. Name a blob_endpoint on loopback, or "
                       "connect_to in the test stanza"));
}

}  // namespace

azure::Transport transport_of(const Config& config) {
  azure::Transport out;
  if (!config.test) return out;
  out.test = true;
  out.ca_file = config.test->ca_file;
  out.connect_to = config.test->connect_to;
  if (!config.test->imds_endpoint.empty()) out.imds_endpoint = config.test->imds_endpoint;
  return out;
}

Result<azure::BlobStoreConfig> blob_store_config(const Config& config) {
  const AzureStorageConfig& azure = config.storage.azure;
  for (const auto& [value, name] : {std::pair<const std::string&, const char*>{
                                        azure.account, "accountName (or AZURE_ACCOUNT_NAME)"},
                                    {azure.container, "container (or AZURE_BLOB_CONTAINER)"}}) {
    if (value.empty()) return refuse(concat("storage \"azure\" needs ", name));
  }
  azure::BlobStoreConfig out;
  out.account = azure.account;
  out.container = azure.container;
  APM_TRY(out.endpoint, endpoint_of(config));
  APM_CHECK_OK(check_reach(config, out.endpoint));
  out.identity.client_id = azure.identity_client_id;
  out.transport = transport_of(config);
  const auto key = base64_decode(trim(azure.account_key.text()));
  if (!key.ok()) {
    return refuse(
        "storage \"azure\": the account key is not base64. Copy it from the storage account's "
        "access keys");
  }
  out.account_key = crypto::SecretBytes::copy_of(ByteView(*key));
  return out;
}

}  // namespace apm::boot
