// The behaviour suite over the commit log on Azure Blob, against Azurite.

#include "azure/blob_store.h"

#include "azure/azurite_fixture.h"
#include "storage/behaviour_suite.h"

namespace apm::storage {
namespace {

using azure::AzuriteServer;

class AzureBackend final : public Backend {
 public:
  explicit AzureBackend(std::size_t segment_appends_max) {
    options_.description = "azure " + container_;
    options_.segment_appends_max = segment_appends_max;
  }
  [[nodiscard]] Result<std::unique_ptr<Store>> open() override {
    return azure::open_blob_store(connect_, options_);
  }
  void expire_lease() override {
    auto connection = connect_();
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    const Status broken =
        (*connection)
            ->client()
            .break_lease(azure::kManifestBlob, Deadline::after(Milliseconds(20'000)));
    EXPECT_TRUE(broken.ok()) << broken.error().message;
  }

 private:
  std::string container_ = AzuriteServer::new_container();
  azure::BlobConnector connect_ = AzuriteServer::shared().connector(container_);
  azure::BlobStoreOptions options_;
};

BackendCase azure_case(const char* name, std::size_t segment_appends_max) {
  return {name,
          [segment_appends_max] { return std::make_unique<AzureBackend>(segment_appends_max); },
          [] {
            EXPECT_FALSE(AzuriteServer::shared().failed()) << AzuriteServer::shared().trouble();
            return AzuriteServer::shared().trouble();
          }};
}

// The second rolls to a new segment every few commits.
INSTANTIATE_TEST_SUITE_P(Azure, StoreBehaviour,
                         testing::Values(azure_case("azurite", azure::kSegmentAppendsMax),
                                         azure_case("azurite_rolling", 7)),
                         case_name);

}  // namespace
}  // namespace apm::storage
