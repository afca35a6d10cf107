/* Classifies one sample of a NumPy array file with a plan, through the C interface; prints the best classes.
 *
 *   unzip -p models/fashion/test.npz x.npy > x.npy
 *   classify out/model.plan x.npy 0 [OUTPUT.bin]      # sample 0; the output's raw bytes go to OUTPUT.bin
 *
 * The model has one float32 input and one float32 output. Build: see docs/embed/c.md. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redpoll.h"

enum { TOP = 3 };

static int fail(const char *what) {
    fprintf(stderr, "classify: %s: %s\n", what, redpoll_last_error());
    return 1;
}

/* Reads sample number `sample` of a little-endian float32 .npy file into `data`. Returns 0, or 1 with a message. */
static int read_sample(const char *path, unsigned long sample, void *data, size_t bytes) {
    unsigned char start[10];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    int ok = fread(start, 1, sizeof start, file) == sizeof start && memcmp(start, "\x93NUMPY\x01", 7) == 0;
    long header = ok ? start[8] + 256L * start[9] : 0;
    char text[1024] = {0};
    ok = ok && header < (long)sizeof text && fread(text, 1, (size_t)header, file) == (size_t)header;
    ok = ok && strstr(text, "'<f4'") != NULL && strstr(text, "'fortran_order': False") != NULL;
    ok = ok && sample < (unsigned long)INT32_MAX && bytes < (size_t)INT32_MAX;
    ok = ok && fseek(file, (long)(sizeof start) + header + (long)(sample * bytes), SEEK_SET) == 0;
    ok = ok && fread(data, 1, bytes, file) == bytes;
    fclose(file);
    if (!ok) {
        fprintf(stderr, "classify: %s: no float32 array in C order (format 1.0) with a sample number %lu\n", path, sample);
    }
    return !ok;
}

static void print_best(const float *scores, size_t count) {
    size_t shown[TOP];
    for (size_t place = 0; place < TOP && place < count; place++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            int taken = 0;
            for (size_t j = 0; j < place; j++) {
                taken |= shown[j] == i;
            }
            if (!taken && (best == count || scores[i] > scores[best])) {
                best = i;
            }
        }
        shown[place] = best;
        printf("class %zu: %.4f\n", best, (double)scores[best]);
    }
}

static int classify(redpoll_session *session, const char *path, unsigned long sample, const char *raw) {
    redpoll_tensor_info input, output;
    if (redpoll_input_info(session, 0, &input) || redpoll_output_info(session, 0, &output)) {
        return fail("the plan");
    }
    if (input.dtype != REDPOLL_F32 || output.dtype != REDPOLL_F32) {
        fprintf(stderr, "classify: this example wants float32 input and output\n");
        return 1;
    }
    printf("%s, %zu bytes -> %s, %zu bytes; tier %s, %zu bytes of working memory\n", input.name, input.bytes, output.name,
           output.bytes, redpoll_tier(session), redpoll_arena_bytes(session));

    void *data;
    size_t bytes;
    if (redpoll_input_data(session, 0, &data, &bytes)) {
        return fail("input");
    }
    if (read_sample(path, sample, data, bytes)) {
        return 1;
    }
    const void *scores;
    if (redpoll_run(session) || redpoll_output_data(session, 0, &scores, &bytes)) {
        return fail("run");
    }
    print_best((const float *)scores, bytes / sizeof(float));
    if (raw) {
        FILE *file = fopen(raw, "wb");
        size_t written = file ? fwrite(scores, 1, bytes, file) : 0;
        if (!file || fclose(file) != 0 || written != bytes) {
            perror(raw);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: classify PLAN X.npy SAMPLE [OUTPUT.bin]\n");
        return 2;
    }
    redpoll_options options = redpoll_options_default();
    redpoll_session *session;
    if (redpoll_open(argv[1], &options, &session)) {
        return fail("open");
    }
    int status = classify(session, argv[2], strtoul(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL);
    redpoll_close(session);
    return status;
}
