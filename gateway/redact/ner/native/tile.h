/* The products and what follows them, for one set of instructions: products.c includes this once for each.
 *
 * NAMED(name) gives the functions their names, TARGET their instructions; Ints, Floats and Shorts are vectors of LANES
 * numbers, and ROWS * GROUP of them fit into registers as sums. dot(sums, two, w) adds to each sum the products of the
 * two numbers in `two` with the two of that column in w. Floats are added in one fixed order everywhere, and never fused
 * with a product, so that all versions give the same bits.
 */

/* Sums of whole numbers for ROWS rows and `columns`, LANES * `group` columns at a time: so many fit into registers. */
TARGET INLINE void NAMED(tile)(const Matrix *m, const int16_t *x, size_t stride, int columns, int group,
                               int32_t *sums) {
    for (int from = 0; from < columns; from += LANES * group) {
        Ints sum[ROWS][GROUP];
        for (int r = 0; r < ROWS; r++)
            for (int g = 0; g < group; g++) sum[r][g] = (Ints){0};
        const int16_t *w = m->weights + 2 * from;
        for (int k = 0; k < m->pairs; k++, w += 2 * columns) {
            Ints column[GROUP];
            for (int g = 0; g < group; g++) memcpy(&column[g], w + 2 * LANES * g, sizeof(Ints));
            for (int r = 0; r < ROWS; r++) {
                int32_t two;
                memcpy(&two, x + (size_t)r * stride + 2 * k, sizeof two);
                for (int g = 0; g < group; g++) NAMED(dot)(&sum[r][g], two, column[g]);
            }
        }
        for (int r = 0; r < ROWS; r++)
            for (int g = 0; g < group; g++)
                memcpy(sums + r * columns + from + LANES * g, &sum[r][g], sizeof(Ints));
    }
}

TARGET INLINE void NAMED(rows)(const Matrix *m, const int16_t *x, size_t stride, const float *scale, size_t rows,
                               const float *bias, float *y, int columns, int group) {
    int32_t sums[ROWS * WIDTH];
    for (size_t row = 0; row < rows; row += ROWS, x += ROWS * stride, y += ROWS * columns) {
        NAMED(tile)(m, x, stride, columns, group, sums);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < columns; c += LANES) {
                Ints whole;
                Floats weight, before;
                memcpy(&whole, sums + r * columns + c, sizeof whole);
                memcpy(&weight, m->scale + c, sizeof weight);
                memcpy(&before, bias ? bias + c : y + r * columns + c, sizeof before);
                before += __builtin_convertvector(whole, Floats) * weight * scale[row + r];
                memcpy(y + r * columns + c, &before, sizeof before);
            }
    }
}

TARGET static void NAMED(multiply)(const Matrix *m, const int16_t *x, size_t stride, const float *scale, size_t rows,
                                   const float *bias, float *y) {
    if (m->columns == WIDTH) NAMED(rows)(m, x, stride, scale, rows, bias, y, WIDTH, GROUP);
    else NAMED(rows)(m, x, stride, scale, rows, bias, y, TAG_COLUMNS, GROUP < 2 ? GROUP : 2);
}

TARGET static void NAMED(settle)(const float *y, float *x, int16_t *q, float *scale, size_t rows) {
    /* Added to a float of less than 2^22, it leaves the nearest whole number in the lower bits. */
    const float rounding = 12582912.0f;
    for (size_t row = 0; row < rows; row++, x += WIDTH, q += WIDTH) {
        Floats squares[STEP / LANES] = {{0}};
        for (int c = 0; c < WIDTH; c += LANES) {
            Floats old, more;
            memcpy(&old, x + c, sizeof old);
            if (y) {
                memcpy(&more, y + row * WIDTH + c, sizeof more);
                old += (Floats)((Ints)more & (more > 0));
                memcpy(x + c, &old, sizeof old);
            }
            squares[c % STEP / LANES] += old * old;
        }
        float square[STEP];
        memcpy(square, squares, sizeof square);
        for (int half = STEP / 2; half; half /= 2)
            for (int i = 0; i < half; i++) square[i] += square[i + half];
        float length = sqrtf(square[0]), factor = length > 1e-12f ? NORM / length : 0;
        scale[row] = length * (1.0f / NORM);
        for (int c = 0; c < WIDTH; c += LANES) {
            Floats old;
            memcpy(&old, x + c, sizeof old);
            Ints whole = (Ints)(old * factor + rounding) - (Ints)(rounding - (Floats){0});
            Shorts small = __builtin_convertvector(whole, Shorts);
            memcpy(q + c, &small, sizeof small);
        }
    }
}
#undef NAMED
#undef TARGET
#undef LANES
#undef GROUP
#undef Ints
#undef Floats
#undef Shorts
