//! How the arguments of a directive are read.
//!
//! Each kind stands for one of nginx's setters (`ngx_conf_set_flag_slot` and the like) and brings
//! its checks, its words and its rule on duplicates along. What has a setter of its own in nginx
//! is [`Kind::Special`].

/// How the arguments of a directive are read and checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `on` or `off`.
    Flag,
    /// A whole number without sign.
    Number,
    /// A whole number within bounds.
    NumberIn(i64, i64),
    /// A size: `k` and `m` scale it.
    Size,
    /// A size with a rule of its own.
    SizeWith(SizeRule),
    /// A size of files: `k`, `m` and `g` scale it.
    Offset,
    /// A time, kept in milliseconds.
    Msec,
    /// A time, kept in seconds; years and months are known.
    Sec,
    /// One word, as it stands.
    Text,
    /// One word per directive; repeated, they make a list.
    TextList,
    /// A key and its value; repeated, they make a list.
    KeyValue,
    /// One of the words, case ignored.
    Enumeration(&'static [&'static str]),
    /// Any of the words, case ignored; repeated, they add up.
    Bits(&'static [&'static str]),
    /// A number of buffers and the size of each.
    Buffers,
    /// A directory and up to three levels of subdirectories.
    Path,
    /// Access rights such as `user:rw group:r`.
    AccessRights,
    /// A word with variables.
    Complex,
    /// A size, or a word with variables that gives one.
    ComplexSize,
    /// Words with variables, each of which may be empty or `0`; repeated, they make a list.
    Predicates,
    /// Media types, case ignored; `*` stands for all. Repeated, they add up.
    MimeTypes,
    /// Checked by code of its own.
    Special(Special),
    /// Any words, any number of times, unchecked.
    Words,
}

/// Rules on a size beyond its being one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SizeRule {
    /// At least 112 and a multiple of 16.
    Pool,
    /// A power of two from 512 to 32k.
    GzipWindow,
    /// A power of two from 512 to 128k.
    GzipHash,
    /// More than 16 bytes.
    Http2Receive,
    /// At most 2147483647.
    Http2Preread,
    /// Not zero.
    Http2Chunk,
    /// Any; nginx warns that the platform has no such mark.
    LowWater,
}

/// Directives with a setter of their own; each is checked by the function of like name in `check`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is named after its directive")]
pub enum Special {
    AccessLog,
    AccessRule,
    AddHeader,
    Aio,
    AuthBasicUserFile,
    AuthRequest,
    AuthRequestSet,
    Balancer,
    Bind,
    Break,
    Cache,
    CacheKey,
    CachePath,
    CacheValid,
    CertificateCache,
    Charset,
    CharsetMap,
    CookieFlags,
    CookieRule,
    CpuAffinity,
    DebugConnection,
    Directio,
    DisableSymlinks,
    EmptyGif,
    Env,
    ErrorLog,
    ErrorPage,
    Events,
    Expires,
    FastcgiPass,
    Geo,
    GzipDisable,
    Hash,
    Http,
    If,
    Include,
    Index,
    Internal,
    Keepalive,
    KeepaliveTimeout,
    Lane,
    LimitConn,
    LimitConnZone,
    LimitExcept,
    LimitReq,
    LimitReqZone,
    Listen,
    LoadModule,
    Location,
    LogFormat,
    Map,
    Mirror,
    Obsolete,
    OpenFileCache,
    OpenLogFileCache,
    Param,
    PasswordFile,
    PoolSize,
    PowerOfTwo,
    ProxyPass,
    ProxyRedirect,
    Random,
    RealIpFrom,
    RealIpHeader,
    Resolver,
    Return,
    Rewrite,
    Root,
    Server,
    ServerName,
    Set,
    SplitClients,
    SplitPathInfo,
    SslOcspCache,
    SslSessionCache,
    Store,
    StubStatus,
    /// `health`, our own.
    Health,
    SubFilter,
    ThreadPool,
    TryFiles,
    Types,
    Upstream,
    UpstreamServer,
    Use,
    User,
    UseridExpires,
    UseridMark,
    ValidReferers,
    WorkerConnections,
    WorkerPriority,
    WorkerProcesses,
    Zone,
}
