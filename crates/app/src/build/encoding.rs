//! `gzip`, `brotli`, `zstd` and their kin.

use std::sync::Arc;

use http::Version;
use portunus_conf::{DirectiveId, MimeTypes, Scope, d};
use portunus_handler::{EncoderSet, Encoding};
use portunus_routing::Regex;
use portunus_static_files::encode::EncoderOptions;
use portunus_static_files::encoding::{
    AgentTest, Coding, CodingRules, CompressionRules, Proxied, StaticMode, TypeSet,
};

use super::Builder;

/// The directives of one coding.
struct Directives {
    coding: Coding,
    on: DirectiveId,
    min_length: DirectiveId,
    types: DirectiveId,
    level: DirectiveId,
    window: Option<DirectiveId>,
    precompressed: DirectiveId,
}

/// The one we like best first: what compresses better stands before what is known everywhere.
const CODINGS: [Directives; 3] = [
    Directives {
        coding: Coding::Brotli,
        on: d::BROTLI,
        min_length: d::BROTLI_MIN_LENGTH,
        types: d::BROTLI_TYPES,
        level: d::BROTLI_COMP_LEVEL,
        window: Some(d::BROTLI_WINDOW),
        precompressed: d::BROTLI_STATIC,
    },
    Directives {
        coding: Coding::Zstd,
        on: d::ZSTD,
        min_length: d::ZSTD_MIN_LENGTH,
        types: d::ZSTD_TYPES,
        level: d::ZSTD_COMP_LEVEL,
        window: None,
        precompressed: d::ZSTD_STATIC,
    },
    Directives {
        coding: Coding::Gzip,
        on: d::GZIP,
        min_length: d::GZIP_MIN_LENGTH,
        types: d::GZIP_TYPES,
        level: d::GZIP_COMP_LEVEL,
        window: Some(d::GZIP_WINDOW),
        precompressed: d::GZIP_STATIC,
    },
];

impl Builder<'_> {
    /// What a level does about content codings; `None` where nothing is on.
    pub(super) fn encoding(&mut self, scope: Scope<'_>) -> Option<Arc<Encoding>> {
        let codings = CODINGS.iter().filter(|coding| scope.flag(coding.on));
        let codings: smallvec::SmallVec<[CodingRules; 3]> = codings
            .map(|coding| CodingRules {
                coding: coding.coding,
                min_length: scope.size(coding.min_length),
                types: types(scope, coding.types),
            })
            .collect();
        let precompressed: Box<[_]> = CODINGS
            .iter()
            .filter_map(|coding| {
                let mode = match scope.enumeration(coding.precompressed) {
                    "on" => StaticMode::On,
                    "always" => StaticMode::Always,
                    _ => return None,
                };
                Some((coding.coding, mode))
            })
            .collect();
        let gunzip = scope.flag(d::GUNZIP);
        if codings.is_empty() && precompressed.is_empty() && !gunzip {
            return None;
        }
        let (disable_msie6, disable) = self.gzip_disable(scope);
        let rules = CompressionRules {
            codings,
            vary: scope.flag(d::GZIP_VARY),
            http_version: match scope.enumeration(d::GZIP_HTTP_VERSION) {
                "1.0" => Version::HTTP_10,
                _ => Version::HTTP_11,
            },
            proxied: proxied(scope),
            disable_msie6,
            disable,
        };
        let [brotli, zstd, gzip] = CODINGS.map(|coding| options(scope, &coding));
        let options = EncoderSet { gzip, brotli, zstd };
        Some(Arc::new(Encoding {
            rules,
            precompressed,
            gunzip,
            options,
        }))
    }

    /// nginx: `ngx_http_gzip_disable`.
    fn gzip_disable(&mut self, scope: Scope<'_>) -> (bool, Option<AgentTest>) {
        let (mut msie6, mut tests) = (false, Vec::<Regex>::new());
        for directive in scope.all(d::GZIP_DISABLE) {
            for word in &directive.args {
                match word.as_bytes() {
                    b"msie6" => msie6 = true,
                    b"degradation" => {}
                    text => tests.extend(self.regex(directive, word, text, true)),
                }
            }
        }
        let test: Option<AgentTest> = (!tests.is_empty()).then(|| {
            let matches = move |agent: &[u8]| {
                tests
                    .iter()
                    .any(|test| test.is_match(agent).unwrap_or(false))
            };
            Arc::new(matches) as AgentTest
        });
        (msie6, test)
    }
}

pub(super) fn types(scope: Scope<'_>, id: DirectiveId) -> Arc<TypeSet> {
    Arc::new(match scope.mime_types(id) {
        MimeTypes::All => TypeSet::Any,
        MimeTypes::These(types) => TypeSet::new(types.iter().map(Vec::as_slice)),
    })
}

fn options(scope: Scope<'_>, coding: &Directives) -> EncoderOptions {
    let default = EncoderOptions::new(coding.coding);
    let window = coding.window.map_or(0, |window| scope.size(window));
    let bits = window
        .checked_ilog2()
        .and_then(|bits| u8::try_from(bits).ok());
    EncoderOptions {
        level: scope
            .number(coding.level)
            .and_then(|level| u32::try_from(level).ok())
            .unwrap_or(default.level),
        window_bits: bits.unwrap_or(default.window_bits),
    }
}

fn proxied(scope: Scope<'_>) -> Proxied {
    let words = scope.bits(d::GZIP_PROXIED);
    let has = |word: &str| words.contains(&word);
    if has("off") {
        return Proxied::default();
    }
    Proxied {
        any: has("any"),
        expired: has("expired"),
        no_cache: has("no-cache"),
        no_store: has("no-store"),
        private: has("private"),
        no_last_modified: has("no_last_modified"),
        no_etag: has("no_etag"),
        auth: has("auth"),
    }
}
