//! `modern_browser` and `ancient_browser`.

use memchr::memmem;

/// Which browsers count as modern and which as ancient.
///
/// Source: nginx, ngx_http_browser_module.
#[derive(Debug, Clone)]
pub struct Browsers {
    /// `modern_browser NAME VERSION`.
    pub modern: Vec<ModernBrowser>,
    /// `modern_browser unlisted`: others are modern, too.
    pub unlisted: bool,
    /// `ancient_browser`: what stands in the names of ancient ones.
    pub ancient: Vec<Box<[u8]>>,
    /// `ancient_browser netscape4`: those before the fifth Mozilla.
    pub netscape4: bool,
    /// `modern_browser_value`.
    pub modern_value: Box<[u8]>,
    /// `ancient_browser_value`.
    pub ancient_value: Box<[u8]>,
}

/// From which version on a browser is modern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModernBrowser {
    /// Whose.
    pub family: BrowserFamily,
    /// The version; see [`version_of`](Self::version_of).
    pub version: u64,
}

/// Families of browsers, in the order in which they are looked for: one may call itself another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrowserFamily {
    /// `opera`.
    Opera,
    /// `msie`.
    Msie,
    /// `gecko`.
    Gecko,
    /// `safari`.
    Safari,
    /// `konqueror`.
    Konqueror,
}

/// What a browser counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowserAge {
    /// `$modern_browser` has a value.
    Modern,
    /// `$ancient_browser` has one.
    Ancient,
}

impl Default for Browsers {
    /// All are ancient.
    fn default() -> Self {
        Self {
            modern: Vec::new(),
            unlisted: false,
            ancient: Vec::new(),
            netscape4: false,
            modern_value: b"1"[..].into(),
            ancient_value: b"1"[..].into(),
        }
    }
}

impl Browsers {
    /// Judges a `User-Agent`, which may be missing.
    #[must_use]
    pub fn age_of(&self, agent: Option<&[u8]>) -> BrowserAge {
        let by_default = match self.unlisted {
            true => BrowserAge::Modern,
            false => BrowserAge::Ancient,
        };
        let Some(agent) = agent else {
            return by_default;
        };
        // The first family that is named decides.
        if let Some(modern) = self.modern.iter().find_map(|modern| modern.covers(agent)) {
            return match modern {
                true => BrowserAge::Modern,
                false => BrowserAge::Ancient,
            };
        }
        let holds = |part: &[u8]| memmem::find(agent, part).is_some();
        let old = self.netscape4 && is_netscape4(agent);
        match old || self.ancient.iter().any(|part| holds(part)) {
            true => BrowserAge::Ancient,
            false => by_default,
        }
    }
}

fn is_netscape4(agent: &[u8]) -> bool {
    let version = agent.strip_prefix(b"Mozilla/").and_then(<[u8]>::first);
    agent.len() > "Mozilla/4.72 ".len()
        && version.is_some_and(|digit| (b'1'..=b'4').contains(digit))
}

impl ModernBrowser {
    /// Whether a browser is modern, if it is of this family.
    fn covers(&self, agent: &[u8]) -> Option<bool> {
        let (name, begin, length) = self.family.signs();
        let rest = agent.get(begin..)?;
        let version = rest.get(memmem::find(rest, name)? + length..)?;
        (!version.is_empty()).then(|| Self::version_of(version).0 >= self.version)
    }

    /// Reads up to four numbers with dots between them, two digits for each but the first, and says
    /// what stands behind them.
    #[must_use]
    pub fn version_of(text: &[u8]) -> (u64, &[u8]) {
        let (mut version, mut number, mut scale) = (0_u64, 0_u64, 1_000_000);
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            match first {
                b'0'..=b'9' => {
                    number = number
                        .saturating_mul(10)
                        .saturating_add(u64::from(first - b'0'));
                }
                b'.' => {
                    version = version.saturating_add(number.saturating_mul(scale));
                    (number, scale) = (0, scale / 100);
                }
                _ => break,
            }
            rest = after;
        }
        (version.saturating_add(number.saturating_mul(scale)), rest)
    }
}

impl BrowserFamily {
    /// The family of that name, without regard to case.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        let all = [
            (&b"opera"[..], Self::Opera),
            (b"msie", Self::Msie),
            (b"gecko", Self::Gecko),
            (b"safari", Self::Safari),
            (b"konqueror", Self::Konqueror),
        ];
        let found = all
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, family)| family)
    }

    /// What names it in a `User-Agent`, how many bytes before that are not looked at, and how many
    /// come before the version.
    fn signs(self) -> (&'static [u8], usize, usize) {
        match self {
            Self::Opera => (b"Opera", 0, "Opera/".len()),
            Self::Msie => (b"MSIE ", "Mozilla/4.0 (compatible; ".len(), "MSIE ".len()),
            Self::Gecko => (b"rv:", "Mozilla/5.0 (".len(), "rv:".len()),
            Self::Safari => (b"Safari/", "Mozilla/5.0 (".len(), "Safari/".len()),
            Self::Konqueror => (
                b"Konqueror/",
                "Mozilla/5.0 (compatible; ".len(),
                "Konqueror/".len(),
            ),
        }
    }
}
