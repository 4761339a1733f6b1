//! The directive that a misspelt name may stand for.

use super::MODULES;

/// No directive has a longer name by far; comparing costs the product of the lengths.
const LONGEST: usize = 64;

/// The name in the table that is the fewest slips away from `name`: letters that are wrong, missing, too many, or
/// two that changed places. `None` where more than every fourth letter would be one.
#[must_use]
pub fn similar_name(name: &str) -> Option<&'static str> {
    if name.len() > LONGEST {
        return None;
    }
    let rows = MODULES.iter().flat_map(|module| module.rows);
    let distances = rows.map(|row| (slips(name.as_bytes(), row.name.as_bytes()), row.name));
    let (slips, best) = distances.min_by_key(|(slips, _)| *slips)?;
    (slips * 4 <= name.len()).then_some(best)
}

/// The Damerau-Levenshtein distance, each pair of letters changing places once at most.
fn slips(one: &[u8], other: &[u8]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1);
            least = least.min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                let before: &Vec<usize> = &before;
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (one, other, count) in [
            ("", "", 0),
            ("root", "", 4),
            ("root", "root", 0),
            ("roott", "root", 1),
            ("rot", "root", 1),
            ("rott", "root", 1),
            ("orot", "root", 1),
            ("parma", "param", 1),
            ("listen", "silent", 4),
        ] {
            assert_eq!(slips(one.as_bytes(), other.as_bytes()), count, "{one}");
            assert_eq!(slips(other.as_bytes(), one.as_bytes()), count, "{one}");
        }
    }

    #[test]
    fn what_is_near_is_found_and_nothing_else() {
        assert_eq!(similar_name("roott"), Some("root"));
        assert_eq!(similar_name("fastcgi_prama"), Some("fastcgi_param"));
        assert_eq!(
            similar_name("client_max_body_szie"),
            Some("client_max_body_size")
        );
        assert_eq!(similar_name("gibberish"), None);
        assert_eq!(similar_name("x"), None);
        assert_eq!(similar_name("location{"), Some("location"));
        assert_eq!(similar_name(&"root".repeat(100)), None);
    }
}
