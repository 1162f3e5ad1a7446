//! The grammar of throttling: how much a table may be asked per second (storage.md section 7.1).

use std::str::FromStr;

/// One limit: so many units in a second, and then a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Units per second of the whole table.
    pub units: u64,
    /// Milliseconds that a request above it waits, for its turn or for its refusal.
    pub pause_ms: u64,
}

/// When requests are delayed and when they are refused. Written
/// `<units>[K|M]*<delay|reject>*<milliseconds>`, or one of each with a comma between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Requests above it wait.
    pub delay: Option<Throttle>,
    /// Requests above it are refused.
    pub reject: Option<Throttle>,
}

/// Bytes per second that reads of the whole table may return; `None` is no limit. Written
/// `<bytes>[K|M]`, or as a [`Throttling`] whose refusal counts. A delay alone is valid and limits
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadSizeLimit(pub Option<u64>);

/// The text is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected <units>[K|M]*<delay|reject>*<milliseconds>")]
pub struct ParseThrottlingError;

impl FromStr for Throttling {
    type Err = ParseThrottlingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut throttling = Self::default();
        for part in text.split(',') {
            let [units, action, pause] = fields(part.trim()).ok_or(ParseThrottlingError)?;
            let throttle = Throttle {
                units: self::units(units).ok_or(ParseThrottlingError)?,
                pause_ms: pause.parse().map_err(|_| ParseThrottlingError)?,
            };
            let place = match action {
                "delay" => &mut throttling.delay,
                "reject" => &mut throttling.reject,
                _ => return Err(ParseThrottlingError),
            };
            if place.replace(throttle).is_some() {
                return Err(ParseThrottlingError);
            }
        }
        Ok(throttling)
    }
}

impl FromStr for ReadSizeLimit {
    type Err = ParseThrottlingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(bytes @ 1..) = units(text) {
            return Ok(Self(Some(bytes)));
        }
        match text.parse::<Throttling>()?.reject {
            Some(Throttle { units: 0, .. }) => Err(ParseThrottlingError),
            reject => Ok(Self(reject.map(|it| it.units))),
        }
    }
}

/// Exactly `N` fields between stars.
pub(super) fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    let fields: Vec<&str> = text.split('*').map(str::trim).collect();
    fields.try_into().ok()
}

/// A number, perhaps with `K` (1024) or `M` (1024 * 1024) behind it.
fn units(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(units: u64, pause_ms: u64) -> Option<Throttle> {
        Some(Throttle { units, pause_ms })
    }

    #[test]
    fn limits_have_units_and_pauses() {
        let parse = |text: &str| text.parse::<Throttling>().unwrap();
        let both = parse("10K*delay*100,2M*reject*50");
        assert_eq!(both.delay, throttle(10 << 10, 100));
        assert_eq!(both.reject, throttle(2 << 20, 50));
        let one = parse("0*reject*0");
        assert_eq!((one.delay, one.reject), (None, throttle(0, 0)));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for bad in [
            "",
            "100",
            "100*delay",
            "100*delay*1*1",
            "*delay*1",
            "1*wait*1",
            "-1*delay*1",
            "1G*delay*1",
            "1*delay*-1",
            "1*delay*1,",
            "1*delay*1,2*delay*2",
            "18446744073709551615K*delay*1",
        ] {
            assert_eq!(
                bad.parse::<Throttling>(),
                Err(ParseThrottlingError),
                "{bad}"
            );
        }
    }

    #[test]
    fn bytes_of_reads_are_limited_by_a_number_or_a_refusal() {
        let parse = |text: &str| text.parse::<ReadSizeLimit>();
        assert_eq!(parse("200"), Ok(ReadSizeLimit(Some(200))));
        assert_eq!(parse("2K"), Ok(ReadSizeLimit(Some(2_048))));
        let both = "20000*delay*100,30000*reject*100";
        assert_eq!(parse(both), Ok(ReadSizeLimit(Some(30_000))));
        assert_eq!(parse("20000*delay*100"), Ok(ReadSizeLimit(None)));
        for bad in ["", "0", "0K", "0*reject*1", "1*delay*1,0*reject*1", "x"] {
            assert_eq!(parse(bad), Err(ParseThrottlingError), "{bad}");
        }
    }
}
