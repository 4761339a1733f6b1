//! `portunus-loadgen`: a load from the command line, its report as one line of JSON.

#![allow(clippy::print_stdout, reason = "the report goes to standard output")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};
use portunus_loadgen::{Arrival, Expected, Plan, Reading, run};

const USAGE: &str = "\
usage: portunus-loadgen ADDRESS:PORT TARGET [OPTIONS]

  --clients N          closed loop with N clients (default 1)
  --rate R             open loop with R requests per second
  --seconds S          how long requests begin (default 3)
  --grace S            how long they may go on after that (default 5)
  --patience S         a client gives up after S seconds
  --fresh              a connection for every request
  --read-rate B        read B bytes per second
  --method M           default GET
  --header 'N: V'      may be repeated
  --numbered           `%N` in the request becomes its number
  --body-bytes N       send a body of N bytes
  --status N           expected status (default 200; 0: any)
  --length N           expected length of the body
  --body FILE          expected body

Exit code 1 when a request failed.";

fn main() -> Result<ExitCode> {
    let Some(plan) = parse(Parser::from_env())? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(run(plan));
    println!("{}", report.to_json());
    Ok(if report.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What makes up the request.
struct Request {
    method: String,
    headers: Vec<String>,
    body_bytes: usize,
}

fn parse(mut arguments: Parser) -> Result<Option<Plan>> {
    let (method, headers) = ("GET".to_owned(), Vec::new());
    let mut request = Request {
        method,
        headers,
        body_bytes: 0,
    };
    let nobody = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut plan = Plan::get(nobody, "/");
    plan.duration = Duration::from_secs(3);
    let mut words = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(word) => words.push(word.string()?),
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            Arg::Long(name) => {
                let name = name.to_owned();
                if !take_option(&name, &mut plan, &mut request, &mut arguments)? {
                    bail!("no option --{name}");
                }
            }
            Arg::Short(_) => return Err(argument.unexpected().into()),
        }
    }
    let [address, target] = &words[..] else {
        return Ok(None);
    };
    plan.address = address
        .parse()
        .with_context(|| format!("`{address}` is no address"))?;
    let Request {
        method,
        headers,
        body_bytes,
    } = request;
    Ok(Some(plan.asking(&method, target, &headers, body_bytes)))
}

/// Whether there is such an option.
fn take_option(
    name: &str,
    plan: &mut Plan,
    request: &mut Request,
    from: &mut Parser,
) -> Result<bool> {
    match name {
        "clients" => {
            plan.arrival = Arrival::Closed {
                clients: from.value()?.parse()?,
            }
        }
        "rate" => {
            plan.arrival = Arrival::Open {
                per_second: from.value()?.parse()?,
            }
        }
        "seconds" => plan.duration = seconds(from)?,
        "grace" => plan.grace = seconds(from)?,
        "patience" => plan.patience = Some(seconds(from)?),
        "fresh" => plan.fresh_connections = true,
        "read-rate" => {
            plan.reading = Reading::Slow {
                per_second: from.value()?.parse()?,
            }
        }
        "method" => request.method = from.value()?.string()?,
        "header" => request.headers.push(from.value()?.string()?),
        "numbered" => plan.numbered = true,
        "body-bytes" => request.body_bytes = from.value()?.parse()?,
        "status" => {
            let status: u16 = from.value()?.parse()?;
            plan.expected.status = (status != 0).then_some(status);
        }
        "length" => plan.expected.length = Some(from.value()?.parse()?),
        "body" => {
            let body = std::fs::read(from.value()?).context("--body")?;
            plan.expected = Expected {
                body: Some(body.into()),
                ..plan.expected.clone()
            };
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn seconds(from: &mut Parser) -> Result<Duration> {
    Ok(Duration::try_from_secs_f64(from.value()?.parse()?)?)
}
