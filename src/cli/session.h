#pragma once

// What every command shares: flags that all understand, and one call with its errors explained.

#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/output.h"
#include "client/api_client.h"

namespace apm::cli {

// Adds -address, -token-file, -ca-cert, -format, -field to a command's own flags.
[[nodiscard]] FlagSet with_common(FlagSet flags);

class Session {
 public:
  [[nodiscard]] static Result<Session> open(const Arguments& args);

  [[nodiscard]] Result<client::Answer> call(const std::string& method, const std::string& path,
                                            const json::Object* body = nullptr,
                                            const std::string& query = "") {
    return client_.call(method, path, body, query);
  }
  void stay_here() { client_.stay_here(); }
  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] const client::ClientConfig& config() const { return client_.config(); }

  // Calls, prints `done` on success (nothing when empty), explains failure. Returns the exit code.
  [[nodiscard]] int run(const std::string& doing, const std::string& method,
                        const std::string& path, const json::Object* body, const std::string& done);

 private:
  Session(client::ApiClient client, Format format) : client_(std::move(client)), format_(format) {}
  client::ApiClient client_;
  Format format_;
};

struct Verb {
  std::vector<std::string> words;  // "auth enable"
  std::string summary;
  FlagSet flags;
  std::function<int(Session&, const Arguments&)> action;
};

// Finds the verb whose words lead `words` (the longest), parses the rest, runs it. Prints usage
// when there is none.
[[nodiscard]] int dispatch(const std::string& program, const std::vector<Verb>& verbs,
                           const std::vector<std::string>& words);

// A value given as "-" (standard input) or "@file" or plain text; bounded at 1 MiB.
[[nodiscard]] Result<std::string> value_of(const std::string& word);

}  // namespace apm::cli
