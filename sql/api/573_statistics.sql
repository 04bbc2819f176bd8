-- The little of statistics that a decision needs: quantiles of the normal and of Student's distribution.

-- After P. J. Acklam: relative error below 1.2e-9.
CREATE OR REPLACE FUNCTION asymm._normal_quantile(p double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    q double precision;
    r double precision;
BEGIN
    IF p < 0.02425 OR p > 0.97575 THEN
        q := sqrt(-2 * ln(LEAST(p, 1 - p)));
        r := (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838e+00) * q - 2.549732539343734e+00) * q
               + 4.374664141464968e+00) * q + 2.938163982698783e+00)
             / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996e+00) * q + 3.754408661907416e+00) * q + 1);
        RETURN CASE WHEN p < 0.5 THEN r ELSE -r END;
    END IF;
    q := p - 0.5;
    r := q * q;
    RETURN (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r + 1.383577518672690e+02) * r
             - 3.066479806614716e+01) * r + 2.506628277459239e+00) * q
           / (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r + 6.680131188771972e+01) * r
               - 1.328068155288572e+01) * r + 1);
END
$$;
COMMENT ON FUNCTION asymm._normal_quantile(double precision) IS 'The value below which a standard normal variable lies with this probability.';

-- After G. W. Hill, algorithm 396 of the CACM; exact for one and two degrees of freedom.
CREATE OR REPLACE FUNCTION asymm._student_quantile(doubt double precision, freedom double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n constant double precision := GREATEST(freedom, 1);
    a double precision;
    b double precision;
    c double precision;
    d double precision;
    x double precision;
    y double precision;
BEGIN
    IF n < 1.5 THEN
        RETURN tan(pi() / 2 * (1 - doubt));
    ELSIF n < 2.5 THEN
        RETURN sqrt(2 / (doubt * (2 - doubt)) - 2);
    END IF;
    a := 1 / (n - 0.5);
    b := 48 / (a * a);
    c := ((20700 * a / b - 98) * a - 16) * a + 96.36;
    d := ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * pi() / 2) * n;
    x := d * doubt;
    y := power(x, 2 / n);
    IF y > 0.05 + a THEN
        x := asymm._normal_quantile(doubt / 2);
        y := x * x;
        IF n < 5 THEN
            c := c + 0.3 * (n - 4.5) * (x + 0.6);
        END IF;
        c := (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
        y := (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
        y := exp(a * y * y) - 1;
    ELSE
        y := ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2) + 1 / y;
    END IF;
    RETURN sqrt(n * y);
END
$$;
COMMENT ON FUNCTION asymm._student_quantile(double precision, double precision)
    IS 'How many standard errors to either side leave this doubt (two-sided), with so many degrees of freedom.';
