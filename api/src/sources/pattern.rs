//! Patterns of names: `*` stands for any letters within a folder's or file's name, `?` for one, `**` for any folders,
//! `{mxl,krn}` for either. What else looks like a pattern elsewhere, such as `[1]`, is common in names of scores.

use shared::failure::{Failure, FailureKind};

/// Patterns without braces that one with braces may stand for.
const ALTERNATIVES_MAX: usize = 64;

/// A pattern that paths below a folder are held against.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Each is a way to match: a pattern for each name of the path.
    alternatives: Vec<Vec<String>>,
}

/// A path that holds a pattern, as the folder before it and the pattern.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    split_at(name, name.find(['*', '?', '{'])?)
}

/// A URL that holds a pattern, as the URL before it and the pattern. A question mark ends a URL's path.
pub(super) fn split_url(url: &str) -> Option<(&str, &str)> {
    split_at(url, url.find(['*', '{'])?)
}

/// Cuts before the name that has the pattern's first sign.
fn split_at(name: &str, sign: usize) -> Option<(&str, &str)> {
    let begin = name.get(..sign)?.rfind('/').map_or(0, |slash| slash + 1);
    name.split_at_checked(begin)
}

impl Pattern {
    /// The pattern that is written so.
    ///
    /// # Errors
    /// `malformed` for braces that do not pair or stand within others, `too_large` for too many alternatives.
    pub(super) fn new(text: &str) -> Result<Self, Failure> {
        let mut written = vec![String::new()];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let inner = after.split_once('}').filter(|(inner, _)| !inner.contains('{'));
            let Some((inner, after)) = inner.filter(|_| !before.contains('}')) else {
                let message = format!("{text:?} is no pattern: {{ and }} come in pairs, none within another");
                return Err(Failure::new(FailureKind::Malformed, message));
            };
            let choices = inner.split(',').map(|choice| format!("{before}{choice}"));
            let choices: Vec<String> = choices.take(ALTERNATIVES_MAX + 1).collect();
            let both =
                |begin: &String| choices.iter().map(|choice| format!("{begin}{choice}")).collect::<Vec<_>>();
            written = written.iter().flat_map(both).take(ALTERNATIVES_MAX + 1).collect();
            if written.len() > ALTERNATIVES_MAX {
                let message =
                    format!("{text:?} stands for more than {ALTERNATIVES_MAX} patterns without braces");
                return Err(Failure::new(FailureKind::TooLarge, message));
            }
            rest = after;
        }
        let whole = written.into_iter().map(|begin| format!("{begin}{rest}"));
        Ok(Pattern { alternatives: whole.map(|one| one.split('/').map(str::to_owned).collect()).collect() })
    }

    /// Whether a path from the folder on is meant.
    pub(super) fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        self.alternatives
            .iter()
            .any(|one| covers(one, &names, |name| name == "**", |name, other| is_name(name, other)))
    }

    /// How deep the paths lie that it matches, unless that is any depth.
    pub(super) fn depth(&self) -> Option<usize> {
        let depth = |one: &Vec<String>| (!one.iter().any(|name| name == "**")).then_some(one.len());
        self.alternatives.iter().map(depth).collect::<Option<Vec<usize>>>()?.into_iter().max()
    }

    /// Whether it says how every name ends: whoever writes `*.txt` means those, whatever scores are called otherwise.
    pub(super) fn says_extension(&self) -> bool {
        self.alternatives.iter().all(|one| {
            let end = one.last().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
            end.is_some_and(|extension| !extension.is_empty() && !extension.contains(['*', '?']))
        })
    }
}

fn is_name(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    covers(&pattern, &name, |sign| *sign == '*', |sign, letter| *sign == '?' || sign == letter)
}

/// Whether a pattern covers all of `parts`: some elements of it stand for any number of them, the others for one each.
/// Where it goes wrong, only the last such element takes one part more: what stands before it fits as it is.
fn covers<P, T>(
    pattern: &[P],
    parts: &[T],
    is_any: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut any: Option<(usize, usize)> = None;
    while let Some(part) = parts.get(next) {
        match pattern.get(at) {
            Some(element) if is_any(element) => {
                at += 1;
                any = Some((at, next));
            }
            Some(element) if fits(element, part) => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((after, taken)) = &mut any else { return false };
                *taken += 1;
                (at, next) = (*after, *taken);
            }
        }
    }
    pattern.iter().skip(at).all(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_what_it_says() {
        for (pattern, yes, no) in [
            ("*.mxl", &["a.mxl", ".mxl"][..], &["a.krn", "b/a.mxl", "a.mxl/b"][..]),
            ("**/*.mxl", &["a.mxl", "b/a.mxl", "c/b/a.mxl"], &["a.mxl.gz", "a.mxl/b"]),
            (
                "op?/**/n*1.krn",
                &["op1/n1.krn", "op2/a/b/n01.krn", "opé/n11.krn"],
                &["op10/n1.krn", "op1/n2.krn"],
            ),
            ("**/bach/**", &["bach/a.krn", "x/bach/y/a.krn"], &["x/bachs/a.krn"]),
            ("*.{mxl,krn}", &["a.mxl", "a.krn"], &["a.mid", "a.{mxl,krn}"]),
            ("{a,b/c}/x{1,2}.abc", &["a/x1.abc", "b/c/x2.abc"], &["b/x1.abc"]),
            ("a[1].krn", &["a[1].krn"], &["a1.krn"]),
            ("*a*a*a*b", &["aaab", "xaxaxab"], &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]),
        ] {
            let matches = Pattern::new(pattern).unwrap();
            yes.iter().for_each(|path| assert!(matches.matches(path), "{pattern} {path}"));
            no.iter().for_each(|path| assert!(!matches.matches(path), "{pattern} {path}"));
        }
    }

    #[test]
    fn a_pattern_says_how_deep_it_looks_and_how_names_end() {
        let known = |text: &str| {
            let pattern = Pattern::new(text).unwrap();
            (pattern.depth(), pattern.says_extension())
        };
        assert_eq!(known("*/*.txt"), (Some(2), true));
        assert_eq!(known("**/*.{txt,md}"), (None, true));
        assert_eq!(known("{a,b/c}/*"), (Some(3), false));
        assert_eq!(known("*.m*"), (Some(1), false));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["{a", "a}{b}", "{a{b}}"] {
            assert_eq!(Pattern::new(text).unwrap_err().kind, FailureKind::Malformed, "{text}");
        }
        assert_eq!(Pattern::new(&"{a,b}".repeat(7)).unwrap_err().kind, FailureKind::TooLarge);
    }

    #[test]
    fn a_name_is_cut_before_its_pattern() {
        assert_eq!(split("scores/op1/*.mxl"), Some(("scores/op1/", "*.mxl")));
        assert_eq!(split("*.mxl"), Some(("", "*.mxl")));
        assert_eq!(split("scores/op*/a.mxl"), Some(("scores/", "op*/a.mxl")));
        assert_eq!(split("scores"), None);
        assert_eq!(split_url("s3://bucket/a/**/*.mxl"), Some(("s3://bucket/a/", "**/*.mxl")));
        assert_eq!(split_url("s3://bucket/*"), Some(("s3://bucket/", "*")));
        assert_eq!(split_url("s3://bucket/a?b"), None);
    }
}
