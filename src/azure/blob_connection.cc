// Connections of a BlobStore to Azure: an HTTP client, and tokens where there is no account key.

#include <memory>
#include <utility>

#include "azure/blob_store.h"
#include "azure/imds.h"

namespace apm::azure {
namespace {

class AzureConnection final : public BlobConnection {
 public:
  AzureConnection(net::HttpClient http, const std::string& imds_endpoint)
      : http_(std::move(http)), imds_(http_, imds_endpoint) {}
  AzureConnection(const AzureConnection&) = delete;
  AzureConnection& operator=(const AzureConnection&) = delete;

  Status connect(const BlobStoreConfig& config) {
    BlobClientConfig mine{config.endpoint, config.account, config.container,
                          config.account_key.clone()};
    if (config.account_key.empty()) {
      mine.credential = managed_identity_tokens(imds_, config.identity);
    }
    auto send = [this](const net::Request& request, const Deadline& deadline) {
      return http_.send(request, deadline);
    };
    APM_TRY(BlobClient client, BlobClient::create(std::move(send), clock_, std::move(mine)));
    client_.emplace(std::move(client));
    return {};
  }
  [[nodiscard]] BlobClient& client() override { return *client_; }

 private:
  SystemClock clock_;
  net::HttpClient http_;
  ImdsClient imds_;
  std::optional<BlobClient> client_;
};

}  // namespace

BlobConnector blob_connector(std::shared_ptr<const BlobStoreConfig> config) {
  return [config = std::move(config)]() -> Result<std::unique_ptr<BlobConnection>> {
    APM_TRY(net::HttpClient http, make_http_client(config->transport));
    auto connection =
        std::make_unique<AzureConnection>(std::move(http), config->transport.imds_endpoint);
    APM_CHECK_OK(connection->connect(*config));
    return std::unique_ptr<BlobConnection>(std::move(connection));
  };
}

Result<std::unique_ptr<storage::Store>> open_blob_store(BlobStoreConfig config) {
  BlobStoreOptions options;
  options.description = "azure " + config.account + "/" + config.container;
  return open_blob_store(blob_connector(std::make_shared<BlobStoreConfig>(std::move(config))),
                         options);
}

}  // namespace apm::azure
