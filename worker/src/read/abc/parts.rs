//! The order of the parts that `P:` tells in the header (standard 2.1, 3.1.9).

/// The most parts that an order may name.
const ORDER_MAX: usize = 4096;

/// Reads `ABAB`, `A.B.A`, `A(AB)3` or `A2B`: the letters as they are played. `None` if it is no order.
pub(super) fn order(text: &[u8]) -> Option<Vec<u16>> {
    let mut order: Vec<u16> = Vec::new();
    let mut opened = Vec::new();
    // Where in the order the last letter or group begins, which a number repeats.
    let mut last = None;
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' => {
                last = Some(order.len());
                order.push(u16::from(byte));
            }
            b'(' => opened.push(order.len()),
            b')' => last = Some(opened.pop()?),
            b'0'..=b'9' => {
                let mut times = usize::from(byte - b'0');
                while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
                    times = times.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                }
                let from = last.take()?;
                let length = order.len() - from;
                if times == 0 || length.saturating_mul(times) > ORDER_MAX {
                    return None;
                }
                for _ in 1..times {
                    order.extend_from_within(from..from + length);
                }
            }
            b'.' | b' ' | b'\t' | b',' => {}
            _ => return None,
        }
        if order.len() > ORDER_MAX {
            return None;
        }
    }
    (!order.is_empty() && opened.is_empty()).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_parts() {
        let read = |text: &str| {
            order(text.as_bytes())
                .map(|order| order.iter().map(|&part| u8::try_from(part).unwrap() as char).collect())
        };
        for (text, want) in [
            ("ABAB", "ABAB"),
            (" A.B .A", "ABA"),
            ("A(AB)3", "AABABAB"),
            ("A2B", "AAB"),
            ("((AB)3.(CD)3)2", "ABABABCDCDCDABABABCDCDCD"),
            ("(AB)2(AC)2A", "ABABACACA"),
        ] {
            assert_eq!(read(text), Some(want.to_owned()), "{text}");
        }
        for text in ["", "3", "(AB", "AB)", "A0", "A9999", "((((A9)9)9)9)9", "A & B", "(AB)2 3"] {
            assert_eq!(read(text), None::<String>, "{text}");
        }
    }
}
