/*
 * What the processor gives without a sandbox: the network of int16 layers with AVX-512 and its VNNI instructions.
 *
 * proxy MODEL PIXELS INPUTS THREADS
 *
 * MODEL, little-endian: i32 layers; for each i32 inputs, outputs, vectors; f32 out_scale; then
 *   weights (pairs, vectors * 16, 2) i16, scales (vectors * 16) f32, biases (vectors * 16) f32.
 * PIXELS: (images, INPUTS) u8. A line on stdin asks for a pass over all images; a line of JSON answers.
 *
 * Hidden layers are sigmoids: scales and biases come multiplied by -log2 e, and out_scale / (1 + 2^z) goes on as i16.
 * The last layer has out_scale 0, and its largest value names the class.
 */
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LANES = 16, MAX_LAYERS = 8, MAX_INPUTS = 4096, MAX_VECTORS = 8, MAX_THREADS = 64 };

typedef struct {
  int32_t inputs, outputs, vectors;
  float out_scale;
  int16_t *weights;
  float *scales, *biases;
} layer;

static layer layers[MAX_LAYERS];
static int32_t layer_count;
static const uint8_t *pixels;
static int inputs;
static uint8_t *predictions;

typedef struct {
  size_t begin, end;
} range;

static void fail(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(1);
}

static void *read_bytes(FILE *file, size_t bytes) {
  void *target = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (target == NULL || fread(target, 1, bytes, file) != bytes) fail("a file is shorter than it should be");
  return target;
}

static void read_model(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(&layer_count, 4, 1, file) != 1) fail("no model");
  if (layer_count < 1 || layer_count > MAX_LAYERS) fail("too many layers");
  for (layer *l = layers; l < layers + layer_count; l++) {
    if (fread(l, 4, 4, file) != 4) fail("no layer");
    if (l->inputs > MAX_INPUTS || l->vectors > MAX_VECTORS) fail("too large a layer");
    size_t width = (size_t)l->vectors * LANES;
    l->weights = read_bytes(file, (size_t)((l->inputs + 1) / 2) * width * 4);
    l->scales = read_bytes(file, width * 4);
    l->biases = read_bytes(file, width * 4);
  }
  fclose(file);
}

/* Pairs of bytes that are not both zero: values as two i16 in an i32, and the indexes of the pairs. */
static int list_pairs(const uint8_t *image, int32_t *values, uint16_t *indexes) {
  __m512i where = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12,
                                   11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  int found = 0;
  for (int at = 0; at < inputs; at += 64) {
    __mmask64 inside = inputs - at >= 64 ? ~0ULL : (1ULL << (inputs - at)) - 1;
    __m512i bytes = _mm512_maskz_loadu_epi8(inside, image + at);
    __mmask32 mask = _mm512_test_epi16_mask(bytes, bytes);
    __m512i packed = _mm512_maskz_compress_epi16(mask, bytes);
    _mm512_storeu_si512(values + found, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(packed)));
    _mm512_storeu_si512(values + found + 16, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(packed, 1)));
    _mm512_storeu_si512(indexes + found, _mm512_maskz_compress_epi16(mask, where));
    where = _mm512_add_epi16(where, _mm512_set1_epi16(32));
    found += __builtin_popcount(mask);
  }
  return found;
}

/* sums (V * 16) i32 = values (count) i16 pairs . their rows of weights; two sums each, for the latency of vpdpwssd. */
static inline __attribute__((always_inline)) void sum_pairs(const int V, const int32_t *values,
                                                            const uint16_t *indexes, int count,
                                                            const int16_t *weights, __m512i *sums) {
  __m512i even[MAX_VECTORS], odd[MAX_VECTORS];
  for (int v = 0; v < V; v++) even[v] = odd[v] = _mm512_setzero_si512();
  int n = 0;
  for (; n + 2 <= count; n += 2) {
    const int16_t *a = weights + (size_t)(indexes ? indexes[n] : n) * V * LANES * 2;
    const int16_t *b = weights + (size_t)(indexes ? indexes[n + 1] : n + 1) * V * LANES * 2;
    __m512i x = _mm512_set1_epi32(values[n]), y = _mm512_set1_epi32(values[n + 1]);
    for (int v = 0; v < V; v++) {
      even[v] = _mm512_dpwssd_epi32(even[v], x, _mm512_load_si512(a + v * 32));
      odd[v] = _mm512_dpwssd_epi32(odd[v], y, _mm512_load_si512(b + v * 32));
    }
  }
  if (n < count) {
    const int16_t *a = weights + (size_t)(indexes ? indexes[n] : n) * V * LANES * 2;
    __m512i x = _mm512_set1_epi32(values[n]);
    for (int v = 0; v < V; v++) even[v] = _mm512_dpwssd_epi32(even[v], x, _mm512_load_si512(a + v * 32));
  }
  for (int v = 0; v < V; v++) sums[v] = _mm512_add_epi32(even[v], odd[v]);
}

static void sum_layer(const layer *l, const int32_t *values, const uint16_t *indexes, int count, __m512i *sums) {
  switch (l->vectors) {
    case 1: sum_pairs(1, values, indexes, count, l->weights, sums); break;
    case 2: sum_pairs(2, values, indexes, count, l->weights, sums); break;
    case 3: sum_pairs(3, values, indexes, count, l->weights, sums); break;
    case 4: sum_pairs(4, values, indexes, count, l->weights, sums); break;
    case 5: sum_pairs(5, values, indexes, count, l->weights, sums); break;
    case 6: sum_pairs(6, values, indexes, count, l->weights, sums); break;
    case 7: sum_pairs(7, values, indexes, count, l->weights, sums); break;
    default: sum_pairs(8, values, indexes, count, l->weights, sums);
  }
}

/* 2^x: the whole part by scalef, the rest, within 1/2, by its Taylor series to the fifth power (off by 3e-6). */
static inline __m512 exp2_ps(__m512 x) {
  __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 f = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022651e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314718e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, whole);
}

static uint8_t predict(const uint8_t *image) {
  int32_t values[MAX_INPUTS / 2 + 32];
  uint16_t indexes[MAX_INPUTS / 2 + 32];
  int32_t hidden[2][MAX_VECTORS * LANES / 2] __attribute__((aligned(64)));
  float logits[MAX_VECTORS * LANES] __attribute__((aligned(64)));
  __m512i sums[MAX_VECTORS];
  int count = list_pairs(image, values, indexes);
  sum_layer(layers, values, indexes, count, sums);
  for (const layer *l = layers;; l++) {
    int32_t *out = hidden[(l - layers) & 1];
    for (int v = 0; v < l->vectors; v++) {
      __m512 z = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[v]), _mm512_load_ps(l->scales + v * LANES),
                                 _mm512_load_ps(l->biases + v * LANES));
      if (l->out_scale == 0) {
        _mm512_store_ps(logits + v * LANES, z);
        continue;
      }
      __m512 y = _mm512_div_ps(_mm512_set1_ps(l->out_scale), _mm512_add_ps(_mm512_set1_ps(1.0f), exp2_ps(z)));
      _mm256_store_si256((__m256i *)out + v, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(y)));
    }
    if (l == layers + layer_count - 1) {
      int best = 0;
      for (int n = 1; n < l->outputs; n++)
        if (logits[n] > logits[best]) best = n;
      return (uint8_t)best;
    }
    sum_layer(l + 1, out, NULL, (l[1].inputs + 1) / 2, sums);
  }
}

static void *work(void *given) {
  const range *r = given;
  for (size_t n = r->begin; n < r->end; n++) predictions[n] = predict(pixels + n * inputs);
  return NULL;
}

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The last range is this thread's. */
static double pass(size_t images, int threads) {
  pthread_t started[MAX_THREADS];
  range ranges[MAX_THREADS];
  double began = now_ms();
  for (int t = 0; t < threads; t++) {
    ranges[t] = (range){images * t / threads, images * (t + 1) / threads};
    if (t < threads - 1 && pthread_create(&started[t], NULL, work, &ranges[t]) != 0) fail("no thread");
  }
  work(&ranges[threads - 1]);
  for (int t = 0; t < threads - 1; t++) pthread_join(started[t], NULL);
  return now_ms() - began;
}

int main(int argc, char **argv) {
  if (argc != 5) fail("expected MODEL PIXELS INPUTS THREADS");
  read_model(argv[1]);
  inputs = atoi(argv[3]);
  int threads = atoi(argv[4]);
  if (threads < 1 || threads > MAX_THREADS || inputs != layers[0].inputs) fail("expected other numbers");
  FILE *file = fopen(argv[2], "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) fail("no pixels");
  size_t bytes = (size_t)ftell(file), images = bytes / inputs;
  rewind(file);
  pixels = read_bytes(file, bytes);
  predictions = malloc(images);
  if (predictions == NULL) fail("no memory");
  for (int character; (character = getchar()) != EOF;) {
    if (character != '\n') continue;
    printf("{\"elapsedMs\":%.6f,\"predictions\":[", pass(images, threads));
    for (size_t n = 0; n < images; n++) printf(n ? ",%d" : "%d", predictions[n]);
    printf("]}\n");
    fflush(stdout);
  }
  return 0;
}
