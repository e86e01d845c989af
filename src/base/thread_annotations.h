#pragma once

// Names for clang's thread-safety attributes (clang.llvm.org, "Thread Safety Analysis"): which
// mutex guards a member, which must be held to call a function. g++ ignores them; the clang build
// turns a breach into an error. Used with the mutexes of base/mutex.h.

#if defined(__clang__)
#define APM_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define APM_THREAD_ATTRIBUTE(x)
#endif

#define APM_CAPABILITY(name) APM_THREAD_ATTRIBUTE(capability(name))
#define APM_SCOPED_CAPABILITY APM_THREAD_ATTRIBUTE(scoped_lockable)
#define APM_GUARDED_BY(mutex) APM_THREAD_ATTRIBUTE(guarded_by(mutex))
#define APM_PT_GUARDED_BY(mutex) APM_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
#define APM_REQUIRES(...) APM_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define APM_REQUIRES_SHARED(...) APM_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define APM_EXCLUDES(...) APM_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define APM_ACQUIRE(...) APM_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define APM_ACQUIRE_SHARED(...) APM_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define APM_RELEASE(...) APM_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define APM_RELEASE_SHARED(...) APM_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
