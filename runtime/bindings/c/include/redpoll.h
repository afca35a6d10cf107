/*
 * Redpoll: on-device inference. Made from runtime/bindings/c by cbindgen: do not edit.
 *
 * Rules for every function:
 * - It returns REDPOLL_OK (0) or a status; redpoll_last_error() then says what happened and what to do about it.
 * - Null pointers are errors, never crashes. Panics are caught: nothing unwinds into C.
 * - Different sessions can be used by different threads at once. One session is for one thread at a time: a second
 *   call meanwhile gets REDPOLL_BUSY (redpoll_close excepted, which must be the last).
 * - The same inputs give the same bytes on every CPU and with any number of threads.
 */

#ifndef REDPOLL_H
#define REDPOLL_H

#include <stddef.h>
#include <stdint.h>

// What came of a call. The numbers never change; new ones may be added.
typedef enum {
  // It worked.
  REDPOLL_OK = 0,
  // A null pointer, or text that is not UTF-8.
  REDPOLL_ARGUMENT = 1,
  // A file could not be read, or a thread not be started.
  REDPOLL_IO = 2,
  // The bytes are no plan that this version can run.
  REDPOLL_PLAN = 3,
  // The tier is unknown or needs instructions that this CPU lacks.
  REDPOLL_TIER = 4,
  // The plan needs more working memory than the limit.
  REDPOLL_MEMORY = 5,
  // There is no input or output of this number or name.
  REDPOLL_NO_SUCH_TENSOR = 6,
  // The number of bytes differs from the tensor's.
  REDPOLL_LENGTH = 7,
  // An input was not written before the run.
  REDPOLL_NOT_SET = 8,
  // The run failed.
  REDPOLL_RUN = 9,
  // Another thread is inside a call with this session.
  REDPOLL_BUSY = 10,
  // A bug in Redpoll was caught; the session may be closed, nothing else.
  REDPOLL_PANIC = 11,
} redpoll_status;

// Element types. The numbers are those of the plan file.
typedef enum {
  REDPOLL_F32 = 0,
  REDPOLL_F16 = 1,
  REDPOLL_I8 = 2,
  REDPOLL_U8 = 3,
  REDPOLL_I32 = 4,
  REDPOLL_I64 = 5,
  REDPOLL_BOOL = 6,
} redpoll_dtype;

// A loaded plan. Opaque: made by `redpoll_open` or `redpoll_load`, ended by `redpoll_close`.
typedef struct redpoll_session redpoll_session;

// Choices for a session. Start from `redpoll_options_default()`, so that fields added later have their defaults.
typedef struct {
  // Threads that compute, the caller's included. 0 means 1, which is best for small models.
  size_t threads;
  // Most bytes of working memory that a plan may need. 0 means 1 GiB.
  size_t memory_limit_bytes;
  // Name of an instruction-set tier such as "avx2"; null for the best that this CPU has. The results are the same bits.
  const char *tier;
} redpoll_options;

// An input or output. Its pointers are valid until the session is closed.
typedef struct {
  // Name in the model, UTF-8.
  const char *name;
  // Element type.
  redpoll_dtype dtype;
  // Number of dimensions.
  size_t rank;
  // The dimensions, outermost first. Images are NHWC unless the model says otherwise.
  const size_t *dims;
  // Bytes of all elements.
  size_t bytes;
  // Scale of a quantised tensor, `real = (q - zero_point) * scale`; 0 for others.
  float scale;
  // Zero point of a quantised tensor.
  int32_t zero_point;
} redpoll_tensor_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Version of the library, such as "0.1.0". Static.
const char *redpoll_version(void);

// One thread, at most 1 GiB, the best tier.
redpoll_options redpoll_options_default(void);

// Opens a plan file by mapping it. The file must not be changed in place while the session lives.
//
// `options` may be null for the defaults. On success `*session` is the new session, otherwise null.
//
// # Safety
// `path` and `options->tier` are null or end with a zero byte; `options` is null or points to one; `session` is null or may be written.
redpoll_status redpoll_open(const char *path,
                            const redpoll_options *options,
                            redpoll_session **session);

// Loads a plan from `bytes` bytes at `data`; they are copied, so they may be freed afterwards.
//
// Otherwise as `redpoll_open`.
//
// # Safety
// `data` is null or has `bytes` readable bytes; the rest as for `redpoll_open`.
redpoll_status redpoll_load(const uint8_t *data,
                            size_t bytes,
                            const redpoll_options *options,
                            redpoll_session **session);

// Ends a session and frees what it has; pointers into it are no longer valid. Null is fine.
//
// # Safety
// `session` is null or a session that was not closed; no other thread is inside a call with it.
void redpoll_close(redpoll_session *session);

// Runs once: every input must have been written since the last run. Allocates nothing.
//
// # Safety
// `session` is null or a session that was not closed.
redpoll_status redpoll_run(redpoll_session *session);

// The memory of input number `index`, to be written before a run: nothing is copied.
//
// Ask again before each run: it tells the session that the input is being written. The address stays the same. A run may overwrite it.
// `bytes` may be null.
//
// # Safety
// `session` is null or a session that was not closed; `data` and `bytes` are null or may be written. The memory must not be touched during a run.
redpoll_status redpoll_input_data(redpoll_session *session,
                                  size_t index,
                                  void **data,
                                  size_t *bytes);

// Copies `bytes` bytes at `data` into input number `index`; the number must be the input's.
//
// # Safety
// `session` is null or a session that was not closed; `data` is null or has `bytes` readable bytes.
redpoll_status redpoll_set_input(redpoll_session *session, size_t index, const void *data, size_t bytes);

// The memory of output number `index`: nothing is copied. What it holds is valid from a run until the next input is written or the session closed.
// `bytes` may be null.
//
// # Safety
// `session` is null or a session that was not closed; `data` and `bytes` are null or may be written.
redpoll_status redpoll_output_data(const redpoll_session *session,
                                   size_t index,
                                   const void **data,
                                   size_t *bytes);

// What the last call that failed on this thread says, in English and UTF-8. Never null; empty before the first failure. Valid until the next
// call that fails on this thread.
const char *redpoll_last_error(void);

// Number of inputs; 0 for null.
//
// # Safety
// `session` is null or a session that was not closed.
size_t redpoll_input_count(const redpoll_session *session);

// Number of outputs; 0 for null.
//
// # Safety
// `session` is null or a session that was not closed.
size_t redpoll_output_count(const redpoll_session *session);

// Describes input number `index`.
//
// # Safety
// `session` is null or a session that was not closed; `info` is null or may be written.
redpoll_status redpoll_input_info(const redpoll_session *session, size_t index, redpoll_tensor_info *info);

// Describes output number `index`.
//
// # Safety
// As for `redpoll_input_info`.
redpoll_status redpoll_output_info(const redpoll_session *session, size_t index, redpoll_tensor_info *info);

// Writes the dimensions of output number `index` in the last run, `rank` numbers. They are those of `redpoll_output_info`, but for sizes that depend
// on data, such as the number of boxes found: there that function tells the largest.
//
// # Safety
// `session` is null or a session that was not closed; `dims` is null or `rank` numbers may be written there.
redpoll_status redpoll_output_dims(const redpoll_session *session,
                                   size_t index,
                                   size_t *dims,
                                   size_t rank);

// Number of the input called `name`.
//
// # Safety
// `session` is null or a session that was not closed; `name` is null or ends with a zero byte; `index` is null or may be written.
redpoll_status redpoll_find_input(const redpoll_session *session,
                                  const char *name,
                                  size_t *index);

// Number of the output called `name`.
//
// # Safety
// As for `redpoll_find_input`.
redpoll_status redpoll_find_output(const redpoll_session *session, const char *name, size_t *index);

// Bytes of working memory, exactly what the plan says; 0 for null.
//
// # Safety
// `session` is null or a session that was not closed.
size_t redpoll_arena_bytes(const redpoll_session *session);

// Threads that compute, the caller's included; 0 for null.
//
// # Safety
// `session` is null or a session that was not closed.
size_t redpoll_threads(const redpoll_session *session);

// Name of the tier that computes, valid until the session is closed; empty for null.
//
// # Safety
// `session` is null or a session that was not closed.
const char *redpoll_tier(const redpoll_session *session);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* REDPOLL_H */
