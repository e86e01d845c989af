# Warnings, hardening and the libraries that come from the distribution.

add_compile_options(
  -Wall -Wextra -Werror -Wpedantic -Wconversion -Wsign-conversion -Wsign-compare -Wtype-limits
  -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wswitch-enum -Wcast-align
  -Wundef -Wformat=2 -Wimplicit-fallthrough -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 guesses wrongly after inlining: moved-from std::variant alternatives (maybe-uninitialized),
  # std::string's operator+ and std::vector's growth (the rest, GCC bugs 105329, 105651, 105762). Clang's
  # analyzer and AddressSanitizer look for what these would find.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 marks a helper of its own stable_sort as deprecated; g++ reports real deprecations.
  add_compile_options(-Wthread-safety -Wthread-safety-beta -Wno-gnu-zero-variadic-macro-arguments
    -Wno-deprecated-declarations)
endif()

if(APM_SANITIZE)
  add_compile_options(-fsanitize=${APM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${APM_SANITIZE})
  add_compile_definitions(APM_SANITIZED=1)
  if(APM_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan) # Asio fences; ThreadSanitizer does not model fences and says so
  endif()
  if(APM_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link) # the folders too: coverage steers the fuzzer
  endif()
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_definitions(_FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  endif()
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# A program needs the libraries that it calls, not those of every folder below it.
add_link_options(-Wl,--as-needed)

find_program(APM_MOLD mold)
if(APM_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(APM_CCACHE ccache)
if(APM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${APM_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CBOR REQUIRED IMPORTED_TARGET libcbor)
pkg_check_modules(TSS2 REQUIRED IMPORTED_TARGET tss2-esys tss2-mu tss2-tctildr tss2-rc)
if(APM_TESTS)
  find_package(GTest REQUIRED)
endif()
