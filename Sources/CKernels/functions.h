// Elementary functions of vectors. Included by body.h.

/// Minus zero keeps every x, -0 too, so that this is a broadcast and nothing else; plus zero would cost an addition.
static inline vec vec_all(float x) { return x - (vec){}; }

/// e^x for x <= 88, relative error below 2e-7; results below 1e-38 come out as about 1e-38.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial, 2^n by adding n to the exponent's bits.
static inline vec vec_exp(vec x) {
    const float shifter = 12582912.0f; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    x = vec_max(x, vec_all(-87.3f));
    vec shifted = vec_fma(x, vec_all(1.44269504088896341f), vec_all(shifter));
    vec n = shifted - shifter;
    vec r = vec_fma(n, vec_all(-0.693145751953125f), x);
    r = vec_fma(n, vec_all(-1.42860682030941723212e-6f), r);
    vec y = vec_all(1.0f / 5040);
    y = vec_fma(y, r, vec_all(1.0f / 720));
    y = vec_fma(y, r, vec_all(1.0f / 120));
    y = vec_fma(y, r, vec_all(1.0f / 24));
    y = vec_fma(y, r, vec_all(1.0f / 6));
    y = vec_fma(y, r, vec_all(0.5f));
    y = vec_fma(y, r, vec_all(1.0f));
    y = vec_fma(y, r, vec_all(1.0f));
    return (vec)((vec_int)y + ((vec_int)shifted << 23));
}

/// x/2 * (1 + erf(x / sqrt 2)) = max(x, 0) - |x| * q(|x|)
/// with q(t) = erfc(t / sqrt 2) / 2 = e^(-t*t/2) * P(1 / (1 + 0.23 t)).
///
/// P is our own least-maximum fit of degree 8 on 0...9: relative error 4e-8 before rounding.
static inline vec vec_gelu(vec x) {
    vec t = vec_max(x, -x);
    vec u = 1.0f / vec_fma(t, vec_all(0.23f), vec_all(1.0f));
    vec p = vec_all(-0.07673519104719162f);
    p = vec_fma(p, u, vec_all(0.2814587950706482f));
    p = vec_fma(p, u, vec_all(-0.25828495621681213f));
    p = vec_fma(p, u, vec_all(0.27689358592033386f));
    p = vec_fma(p, u, vec_all(-0.014324059709906578f));
    p = vec_fma(p, u, vec_all(0.1107245683670044f));
    p = vec_fma(p, u, vec_all(0.08829495310783386f));
    p = vec_fma(p, u, vec_all(0.09197229892015457f));
    vec q = p * u * vec_exp(t * t * -0.5f);
    return vec_max(x, vec_all(0)) - t * q;
}

/// x / (1 + e^-x). Where e^-x would overflow, x is so negative that the result is zero all the same.
static inline vec vec_silu(vec x) {
    vec clipped = vec_max(x, vec_all(-87));
    return clipped / (1.0f + vec_exp(-clipped));
}

/// x/2 * (1 + tanh(z)) = x / (1 + e^(-2z)) with z = sqrt(2 / pi) * (x + 0.044715 x^3).
static inline vec vec_gelu_tanh(vec x) {
    vec z = x * vec_fma(x * x, vec_all(0.044715f), vec_all(1.0f)) * -1.5957691216057308f;
    return x / (1.0f + vec_exp(vec_min(z, vec_all(87))));
}

/// The same as `vec_gelu` to 1.3e-4, for precisions that round their results more coarsely than that: on -4...4 our own
/// least-maximum fit of x * (1/2 + z P(z*z)), which meets 0 and x at the ends.
static inline vec vec_gelu_coarse(vec x) {
    vec z = vec_min(vec_max(x, vec_all(-4)), vec_all(4)), u = z * z;
    vec p = vec_all(-4.543619092078899e-10f);
    p = vec_fma(p, u, vec_all(5.1595616668009825e-08f));
    p = vec_fma(p, u, vec_all(-2.3382601739285747e-06f));
    p = vec_fma(p, u, vec_all(5.778661943622865e-05f));
    p = vec_fma(p, u, vec_all(-0.0008857252541929483f));
    p = vec_fma(p, u, vec_all(0.009051516652107239f));
    p = vec_fma(p, u, vec_all(-0.06508642435073853f));
    p = vec_fma(p, u, vec_all(0.39820078015327454f));
    return x * vec_fma(z, p, vec_all(0.5f));
}

/// 2^x for x <= 127 with a relative error below 8e-5, for weights that are rounded to bfloat16 next.
static inline vec vec_exp2_coarse(vec x) {
    const float shifter = 12582912.0f;
    x = vec_max(x, vec_all(-126));
    vec shifted = x + shifter;
    vec r = x - (shifted - shifter);
    vec y = vec_all(0.0551716573536396f);
    y = vec_fma(y, r, vec_all(0.24261115491390228f));
    y = vec_fma(y, r, vec_all(0.6932609677314758f));
    y = vec_fma(y, r, vec_all(0.9999280571937561f));
    return (vec)((vec_int)y + ((vec_int)shifted << 23));
}

static inline vec vec_activate(vec x, kern_activation activation) {
    switch (activation) {
    case kern_activation_gelu: return vec_gelu(x);
    case kern_activation_gelu_tanh: return vec_gelu_tanh(x);
    case kern_activation_relu: return vec_max(x, vec_all(0));
    case kern_activation_silu: return vec_silu(x);
    default: return x;
    }
}
