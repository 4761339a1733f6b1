//! ngx_http_upstream_module and the balancers: groups of servers.

use super::kind::Special;

rows! { "upstream": "ngx_http_upstream_module and the balancers: groups of servers";
    UPSTREAM "upstream" in HTTP, TAKE1 block, Special(Special::Upstream), Own,
        Honoured, "A group of servers behind one name.";
    UPSTREAM_SERVER "server" in UPSTREAM, MORE1, Special(Special::UpstreamServer), Own,
        Honoured, "A server of the group.";
    UPSTREAM_RESOLVER "resolver" in UPSTREAM, MORE1, Special(Special::Resolver), Own,
        Accepted("names are looked up by the system"), "Name servers for the members of the group.";
    UPSTREAM_RESOLVER_TIMEOUT "resolver_timeout" in UPSTREAM, TAKE1, Msec = "30s", Own,
        Accepted("names are looked up by the system"), "How long a look-up may take.";
    UPSTREAM_HASH "hash" in UPSTREAM, TAKE12, Special(Special::Hash), Own,
        Honoured, "Chooses the member by a hash of a key.";
    IP_HASH "ip_hash" in UPSTREAM, NOARGS, Special(Special::Balancer), Own,
        Honoured, "Chooses the member by the client's address.";
    UPSTREAM_KEEPALIVE "keepalive" in UPSTREAM, TAKE12, Special(Special::Keepalive), Own,
        Differs("to FPM, the pool keeps as many as it safely may, whatever this and its kin say; fastcgi_pool_size and fastcgi_reuse bound them"),
        "How many idle connections are kept.";
    UPSTREAM_KEEPALIVE_TIME "keepalive_time" in UPSTREAM, TAKE1, Msec = "1h", Own,
        Honoured, "How long one kept connection is used.";
    UPSTREAM_KEEPALIVE_TIMEOUT "keepalive_timeout" in UPSTREAM, TAKE1, Msec = "60s", Own,
        Honoured, "How long an idle connection is kept.";
    UPSTREAM_KEEPALIVE_REQUESTS "keepalive_requests" in UPSTREAM, TAKE1, Number = "1000", Own,
        Honoured, "How many requests one kept connection carries.";
    LEAST_CONN "least_conn" in UPSTREAM, NOARGS, Special(Special::Balancer), Own,
        Honoured, "Chooses the member with the fewest connections.";
    LEAST_TIME "least_time" in UPSTREAM, TAKE12, Words, Own,
        Unsupported, "Chooses the member that answers fastest.";
    UPSTREAM_RANDOM "random" in UPSTREAM, TAKE012, Special(Special::Random), Own,
        Honoured, "Chooses a member at random, or the better of two.";
    UPSTREAM_STICKY "sticky" in UPSTREAM, MORE2, Words, Own,
        Unsupported, "Binds clients to members.";
    UPSTREAM_ZONE "zone" in UPSTREAM, TAKE12, Special(Special::Zone), Own,
        Accepted("there is one process, so the group's state is shared anyway"),
        "Memory zone of the group.";
}
