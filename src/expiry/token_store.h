#pragma once

// Service tokens ("hvs." + 24 base62): the tree of who made whom, and when each of them ends.
//
// A token's text is never stored. Its id is HMAC-SHA256(derived key, text); the record stands at
// sys/token/id/<id>, its indexes at sys/token/accessor/<hmac of accessor> and
// sys/token/parent/<parent id>/<id>, written in one atomic change. All records are also held in
// memory between load() and unload(). A token ends with its parent, by its time, by its uses, or
// by revocation; its cubbyhole and its children end with it.
//
// Any thread may call. kUnauthenticated "token_invalid" for a token that is unknown, expired,
// used up or revoked: a client does not learn which.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "logical/request.h"

namespace apm::expiry {

struct TokenEntry {
  std::string id;  // hex HMAC of the token
  std::string accessor;
  std::string parent;  // its id; "" for an orphan
  std::vector<std::string> policies;
  std::map<std::string, std::string> metadata;
  std::string display_name;
  std::string path;        // where it was made: "auth/token/create"
  std::string auth_mount;  // "auth/token/"
  std::string cubbyhole_id;
  std::int64_t created_unix_s = 0;
  std::int64_t expires_unix_s = 0;       // 0: never
  std::int64_t last_renewal_unix_s = 0;  // 0: never renewed
  std::uint64_t creation_ttl_s = 0;
  std::uint64_t explicit_max_ttl_s = 0;
  std::uint64_t period_s = 0;
  std::uint64_t uses_left = 0;  // meaningful when `limited`
  bool limited = false;
  bool renewable = false;
  bool revoked = false;  // its tree is being removed

  [[nodiscard]] bool root() const;
  [[nodiscard]] bool orphan() const { return parent.empty(); }
  [[nodiscard]] std::uint64_t ttl_s(std::int64_t now_unix_s) const;  // 0: never, or over
  [[nodiscard]] logical::Caller caller() const;
};

struct TokenSpec {
  std::string custom;    // the token's text when the caller chose it; else ""
  std::string accessor;  // of new_accessor(), when it is written down first; else ""
  std::string parent;    // id; "" for an orphan
  std::vector<std::string> policies;
  std::map<std::string, std::string> metadata;
  std::string display_name;
  std::string path;
  std::string auth_mount = "auth/token/";
  std::uint64_t ttl_s = 0;  // 0: the default; capped by the system's maximum
  std::uint64_t explicit_max_ttl_s = 0;
  std::uint64_t period_s = 0;
  std::uint64_t num_uses = 0;  // 0: no limit
  bool renewable = true;
  bool never_expires = false;  // root tokens alone
};

struct NewToken {
  std::string token;  // the only copy
  TokenEntry entry;
};

[[nodiscard]] std::string new_accessor();

class TokenStore {
 public:
  // Removes the cubbyhole of a token that ends; called before its record goes.
  using CubbyholeEraser = std::function<Status(const std::string& cubbyhole_id)>;

  TokenStore(barrier::Barrier& barrier, const Clock& clock);
  ~TokenStore();
  TokenStore(const TokenStore&) = delete;
  TokenStore& operator=(const TokenStore&) = delete;

  void set_cubbyhole_eraser(CubbyholeEraser eraser);  // before load()

  // Derives the key and reads every record; the barrier must be unsealed. unload() forgets all.
  [[nodiscard]] Status load();
  void unload();

  [[nodiscard]] Result<NewToken> create(const TokenSpec& spec);
  // ttl 0: never expires. Policies {"root"}, orphan, path "auth/token/root".
  // `accessor`: of new_accessor(), for who must know the token before it exists; "" for any.
  [[nodiscard]] Result<NewToken> create_root(std::uint64_t ttl_s, std::string accessor = {});

  [[nodiscard]] Result<TokenEntry> lookup(std::string_view token);
  [[nodiscard]] Result<TokenEntry> lookup_accessor(const std::string& accessor);  // kNotFound
  [[nodiscard]] Result<std::vector<std::string>> accessors();

  // Whether revoking `ancestor` (an id) ends the token `id`: it is that token, or came from it.
  [[nodiscard]] Result<bool> descends(const std::string& id, const std::string& ancestor);

  // Counts one use of a limited token. True: this was the last one, and the caller must revoke the
  // token when the request is done (it already answers no other request).
  [[nodiscard]] Result<bool> use(const std::string& id);

  // New end = now + increment (0: the creation TTL), within the explicit maximum and the system's.
  // kInvalidArgument "token_not_renewable".
  [[nodiscard]] Result<TokenEntry> renew(const std::string& id, std::uint64_t increment_s);

  [[nodiscard]] Status revoke(const std::string& id);         // with all descendants
  [[nodiscard]] Status revoke_orphan(const std::string& id);  // children become orphans

  // Removes tokens that are over, at most kSweepTokensMax trees. How many trees went.
  [[nodiscard]] Result<std::size_t> sweep();
  [[nodiscard]] std::size_t size();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apm::expiry
