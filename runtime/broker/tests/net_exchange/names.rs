//! Names: which addresses they may lead to, and a real name server that changes its mind.

use crate::world::*;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use stepward_broker::net::*;
use stepward_seam::Cause;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use url::Host;

#[tokio::test]
async fn one_bad_address_among_good_ones_refuses_the_whole() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    for bad in [
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1",
    ] {
        let bad: IpAddr = bad.parse().unwrap();
        for addresses in [[bad, LOOPBACK], [LOOPBACK, bad]] {
            world.names.set(NAME, &addresses);
            let rule = refused(world.get(&target).await);
            assert!([ADDRESS_DENIED, ADDRESS_METADATA].contains(&rule), "{bad}: {rule}");
        }
    }
    assert_eq!(server.seen.connections(), 0);
}

#[tokio::test]
async fn loopback_needs_its_network_like_any_other() {
    let world = World::new();
    let server = always(world.authority.server(&[NAME, "localhost", "127.0.0.1", "dev.localhost"]), OK).await;
    let port = server.address.port();
    let hosts = [
        Host::Domain(NAME.to_owned()),
        Host::Domain("localhost".to_owned()),
        Host::Domain("LocalHost.".to_owned()),
        Host::Domain("dev.localhost".to_owned()),
        Host::Ipv4(Ipv4Addr::LOCALHOST),
    ];
    for host in hosts {
        let spec = TargetSpec { host: host.clone(), networks: vec![], ..world.spec(port) };
        assert_eq!(refused(world.get(&Target::new(spec).unwrap()).await), ADDRESS_DENIED, "{host}");
        let spec = TargetSpec { host: host.clone(), ..world.spec(port) };
        assert_eq!(world.get(&Target::new(spec).unwrap()).await.unwrap().status, 200, "{host}");
    }
    assert_eq!(world.names.asked.load(Ordering::SeqCst), 2, "only the one real name was looked up");
}

#[tokio::test]
async fn the_runners_own_listeners_are_out_of_reach() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    for listener in [server.address, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), server.address.port())] {
        let spec = TargetSpec { listeners: vec![listener], ..world.spec(server.address.port()) };
        assert_eq!(refused(world.get(&Target::new(spec).unwrap()).await), ADDRESS_OWN_LISTENER, "{listener}");
    }
    assert_eq!(server.seen.connections(), 0);
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let world = World::new();
    let port = {
        let listener = std::net::TcpListener::bind((LOOPBACK, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let target = Target::new(world.spec(port)).unwrap();
    assert_eq!(failed(world.get(&target).await), (Cause::Connect, Sent::Nothing, CONNECT_FAILED));
}

#[tokio::test]
async fn an_address_that_does_not_accept_yields_to_the_next() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    world.names.set(NAME, &["127.0.0.9".parse().unwrap(), LOOPBACK]);
    assert_eq!(world.get(&world.target(&server)).await.unwrap().status, 200);
}

/// A name server with one answer that can be changed.
struct NameServer {
    address: SocketAddr,
    answer: Arc<Mutex<Vec<IpAddr>>>,
    /// What takes the answer's place once an IPv4 address was asked for.
    next: Arc<Mutex<Option<Vec<IpAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Starts one. Answers live for `ttl` seconds.
async fn name_server(ttl: u32) -> NameServer {
    let socket = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let answer = Arc::new(Mutex::new(vec![LOOPBACK]));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let next = Arc::new(Mutex::new(None));
    let (answers, changes, log) = (Arc::clone(&answer), Arc::clone(&next), Arc::clone(&asked));
    let serving = tokio::spawn(async move {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            let query = message.queries[0].clone();
            log.lock().unwrap().push(format!("{} {}", query.name(), query.query_type()));
            message.metadata.message_type = MessageType::Response;
            if query.name().to_ascii() == format!("{NAME}.") {
                for ip in answers.lock().unwrap().iter() {
                    let data = match (ip, query.query_type()) {
                        (IpAddr::V4(ip), RecordType::A) => RData::A(A(*ip)),
                        (IpAddr::V6(ip), RecordType::AAAA) => RData::AAAA(AAAA(*ip)),
                        _ => continue,
                    };
                    message.add_answer(Record::from_rdata(query.name().clone(), ttl, data));
                }
            } else {
                message.metadata.response_code = ResponseCode::NXDomain;
            }
            if query.query_type() == RecordType::A
                && let Some(next) = changes.lock().unwrap().take()
            {
                *answers.lock().unwrap() = next;
            }
            socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        }
    });
    NameServer { address, answer, next, asked, serving }
}

fn with_dns(names: &NameServer) -> World {
    World { network: Network::new(Arc::new(Dns::new(&[names.address]).unwrap())), ..World::new() }
}

#[tokio::test]
async fn an_answer_that_changes_between_two_look_ups_is_judged_each_time() {
    let names = name_server(0).await;
    let world = with_dns(&names);
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    assert_eq!(world.get(&target).await.unwrap().status, 200);
    for bad in ["10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"] {
        *names.answer.lock().unwrap() = vec![bad.parse().unwrap()];
        refused(world.get(&target).await);
        *names.answer.lock().unwrap() = vec![LOOPBACK, bad.parse().unwrap()];
        refused(world.get(&target).await);
    }
    assert_eq!((server.seen.connections(), server.seen.requests()), (1, 1));
}

#[tokio::test]
async fn one_exchange_asks_once_and_dials_what_was_judged() {
    // The server names a good address once and a bad one from then on: a second look-up between
    // the check and the connection would meet the bad one.
    let names = name_server(0).await;
    let world = with_dns(&names);
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    *names.next.lock().unwrap() = Some(vec!["10.0.0.1".parse().unwrap()]);
    assert_eq!(world.get(&target).await.unwrap().status, 200);
    let mut asked = names.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, [format!("{NAME}. A"), format!("{NAME}. AAAA")]);
    assert_eq!(refused(world.get(&target).await), ADDRESS_DENIED, "the answer did change");
}

#[tokio::test]
async fn names_that_do_not_exist_or_that_nobody_answers() {
    let names = name_server(0).await;
    let world = with_dns(&names);
    let spec = TargetSpec { host: Host::Domain("nowhere.test".to_owned()), ..world.spec(443) };
    let got = world.get(&Target::new(spec).unwrap()).await;
    assert_eq!(failed(got), (Cause::Resolve, Sent::Nothing, RESOLVE_FAILED));
    assert!(
        names.asked.lock().unwrap().iter().all(|name| name.starts_with("nowhere.test. ")),
        "no search list"
    );

    let silent = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    let dns = Dns::new(&[silent.local_addr().unwrap()]).unwrap();
    let world = World { network: Network::new(Arc::new(dns)), ..World::new() };
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let (cause, sent, _) = failed(world.get(&Target::new(world.spec(443)).unwrap()).await);
    assert!(matches!(cause, Cause::Timeout | Cause::Resolve) && sent == Sent::Nothing);
    assert!(began.elapsed() <= CONNECT + std::time::Duration::from_millis(50));
}

#[tokio::test]
async fn spellings_of_loopback_that_stay_names_end_at_the_policy() {
    // Some are addresses to other programs and names to the URL parser. Whatever they resolve to
    // is judged; most resolve to nothing.
    let names = name_server(0).await;
    let world = with_dns(&names);
    let server = always(world.config(), OK).await;
    for text in [
        "127.0.0.1",
        "127.0.0.1.",
        "0x7f000001",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.1",
    ] {
        let spec = TargetSpec {
            host: Host::Domain(text.to_owned()),
            networks: vec![],
            ..world.spec(server.address.port())
        };
        let Ok(target) = Target::new(spec) else { continue };
        assert!(world.get(&target).await.is_err(), "{text}");
    }
    assert_eq!(server.seen.connections(), 0);
}
