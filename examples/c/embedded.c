/* Runs a model that lies in the program, and compares what it computes with what every device must compute.
 *
 *   redpoll convert model.onnx --calibrate samples.npz --name embedded --emit c model/ -o out/
 *   cc -Imodel examples/c/embedded.c model/model.c $(pkg-config --cflags --libs redpoll) -o embedded
 *
 * No file is opened. (`redpoll_load` copies the plan; a microcontroller reads it in flash: docs/embed/cortex-m.md.) */

#include <stdio.h>
#include <string.h>

#include "model.h"
#include "redpoll.h"

static int fail(const char *what) {
    fprintf(stderr, "embedded: %s: %s\n", what, redpoll_last_error());
    return 1;
}

/* One run on the inputs beside the plan. Returns 0 when the outputs are those beside it. */
static int check(redpoll_session *session) {
    const uint8_t *from = embedded_check_inputs, *expected = embedded_check_outputs;
    for (size_t i = 0; i < EMBEDDED_INPUTS; i++) {
        void *data;
        size_t bytes;
        if (redpoll_input_data(session, i, &data, &bytes)) {
            return fail("input");
        }
        memcpy(data, from, bytes);
        from += bytes;
    }
    if (redpoll_run(session)) {
        return fail("run");
    }
    for (size_t i = 0; i < EMBEDDED_OUTPUTS; i++) {
        const void *data;
        size_t bytes;
        if (redpoll_output_data(session, i, &data, &bytes)) {
            return fail("output");
        }
        if (memcmp(data, expected, bytes) != 0) {
            fprintf(stderr, "embedded: output %zu differs\n", i);
            return 1;
        }
        expected += bytes;
    }
    if (from != embedded_check_inputs + sizeof embedded_check_inputs ||
        expected != embedded_check_outputs + sizeof embedded_check_outputs) {
        fprintf(stderr, "embedded: the plan has other inputs or outputs than the header says\n");
        return 1;
    }
    printf("%u bytes of plan, the same bits; tier %s\n", EMBEDDED_PLAN_BYTES, redpoll_tier(session));
    return 0;
}

int main(void) {
    redpoll_options options = redpoll_options_default();
    redpoll_session *session = NULL;
    if (redpoll_load(embedded_plan, sizeof embedded_plan, &options, &session)) {
        return fail("the plan");
    }
    int status = check(session);
    redpoll_close(session);
    return status;
}
