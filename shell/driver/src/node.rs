//! An SD-WAN node, NVA or CPE, with the machine's sockets, its overlay device and its kernel routes.
//!
//! The control half is the loop here; packets are forwarded by threads of their own ([`shard`]), which it tells what
//! they have to know.

mod breakout;
mod carrier;
mod kernel;
mod mailbox;
mod shard;
mod shards;
mod sockets;
mod wire;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use design::plan::NodeConfig;
use linux::confine::Capability;
use node::{Command, Connection, Control, Input, Node, Options, Order, Output, Punt};
use tokio::sync::mpsc;
use view::Query;

use crate::clock::{Clock, unix_time};
use crate::config::{read_config, read_key};
use crate::confinement;
use crate::control::{self, Question};
use crate::daemon::{self, Termination};
use crate::error::Error;
use crate::management::{self, ManagementAddress, Service};
use crate::transport::{BGP_PORT, Transport};
use carrier::{Carrier, Happened, Lines};
use kernel::Kernel;
use mailbox::{ControlInbox, Report};
use shards::Shards;
use sockets::Sockets;

/// Messages taken from one place before the others have their turn.
const BUDGET: usize = 64;
/// Handshakes answered before the others have their turn.
const HANDSHAKES: usize = 8;
/// How often what was lost between the threads is told.
const LOSSES: std::time::Duration = std::time::Duration::from_secs(10);
/// What neighbours' operators read when a node is stopped (RFC 9003).
const FAREWELL: &str = "stopped by its operator";
/// How long the farewell may take.
const FAREWELL_PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// The node's configuration file.
    pub config: PathBuf,
    /// Directory with the private keys; [`crate::key_path`] says under which names.
    pub keys: PathBuf,
    /// Unix socket to answer queries on.
    pub control: Option<PathBuf>,
    /// Where to serve metrics.
    pub management: Option<ManagementAddress>,
}

/// Runs a node until it is told to stop.
///
/// # Errors
///
/// The configuration or a key does not fit, or the system refuses a socket, the overlay device or
/// a route.
pub fn run_node(settings: &NodeSettings) -> Result<(), Error> {
    let config = read_config(&settings.config, NodeConfig::from_yaml)?;
    let clock = Clock::start();
    let mut secrets = node::Secrets::default();
    for locator in &config.locators {
        let key = read_key(&settings.keys, &locator.name)?;
        secrets.private_keys.insert(locator.name.clone(), key);
    }
    let node = Node::new(&config, &secrets, &options()?, clock.now());
    let node = node.map_err(|error| Error::Refused {
        path: settings.config.clone(),
        reason: error.to_string(),
    })?;
    confinement::begin()?;
    let (node, forwarders) = node.split();
    daemon::block_on(async {
        let termination = Termination::new()?;
        let (asker, questions) = control::channel();
        control::serve(settings.control.as_deref(), asker.clone())?;
        let mut transport = Transport::new()?;
        transport.listen(&[(Ipv4Addr::UNSPECIFIED, BGP_PORT).into()])?;
        let kernel = Kernel::prepare(&config)?;
        let locators = sockets::open_locators(&config)?;
        let first = locators.first().map_or(&[][..], Vec::as_slice);
        let sockets = Sockets::open(&config, first)?;
        let connections = carrier::Prepared::new(&config, &settings.keys)?;
        let lines = Lines::default();
        confinement::keep(&rights(&config))?;
        if let Some(at) = settings.management.clone() {
            management::serve(Service { at, hub: None }, asker)?;
        }
        let (shards, inbox) = Shards::start(clock, &kernel, forwarders, locators, &lines)?;
        let carrier = connections.start(lines.clone(), shards.ways())?;
        confinement::seal();
        let process = Process {
            clock,
            config,
            node,
            kernel,
            sockets,
            carrier,
            lines,
            shards,
            inbox,
            transport,
            out: Vec::new(),
            orders: Vec::new(),
        };
        process.run(questions, termination).await
    })
}

/// What a running node needs: to change routes and addresses, and where it speaks VRRP, to announce a virtual address.
fn rights(config: &NodeConfig) -> Vec<Capability> {
    let mut rights = vec![Capability::NetAdmin];
    if config.lans.iter().any(|lan| lan.vrrp.is_some()) {
        rights.push(Capability::NetRaw);
    }
    rights
}

/// Real cryptography, with randomness from the kernel.
fn options() -> Result<Options, Error> {
    let mut seed = [0; 32];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    Ok(Options {
        suite: tunnel::Suite::WireGuard,
        aes: has_aes(),
        seed,
        epoch: unix_time(),
    })
}

/// Whether the processor has instructions for AES-GCM.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq")
    }
    #[cfg(target_arch = "aarch64")]
    {
        std::arch::is_aarch64_feature_detected!("aes")
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        false
    }
}

struct Process {
    clock: Clock,
    config: NodeConfig,
    node: Control,
    kernel: Kernel,
    sockets: Sockets,
    carrier: Carrier,
    lines: Lines,
    shards: Shards,
    inbox: ControlInbox,
    transport: Transport,
    out: Vec<Output>,
    orders: Vec<Order>,
}

impl Process {
    async fn run(
        mut self,
        mut questions: mpsc::Receiver<Question>,
        mut termination: Termination,
    ) -> Result<(), Error> {
        let mut stop = false;
        let mut losses = tokio::time::interval(LOSSES);
        self.feed(Input::Wake);
        while !stop {
            let wake = self.node.wake().map(|at| self.clock.tokio(at));
            tokio::select! {
                () = daemon::sleep_until(wake) => {
                    // What has arrived comes first: it may keep a session alive.
                    self.transport.begin_round();
                    self.round();
                    self.hear_shards()?;
                    self.feed(Input::Wake);
                }
                lan = self.sockets.ready() => self.receive(lan),
                event = self.transport.next() => {
                    self.hear(event);
                    self.round();
                }
                Some(report) = self.inbox.reports.recv() => {
                    self.take_report(report)?;
                    self.hear_shards()?;
                }
                Some(punt) = self.inbox.punts.recv() => {
                    self.take_punt(punt);
                    self.hear_shards()?;
                }
                Some(punt) = self.inbox.handshakes.recv() => self.take_handshakes(punt),
                Some(happened) = self.carrier.happened.recv() => self.feed(match happened {
                    Happened::Opened(connection, remote) => Input::Opened { connection, remote },
                    Happened::Closed(connection) => Input::Closed { connection },
                }),
                Some(question) = questions.recv() => stop = self.answer(question),
                _ = losses.tick() => self.inbox.lost.log(),
                () = termination.asked() => stop = true,
            }
        }
        self.feed(Input::Command(Command::Shutdown {
            text: FAREWELL.to_owned(),
        }));
        self.transport.finish(FAREWELL_PATIENCE).await;
        Ok(())
    }

    /// Takes what waits at a LAN, but not for longer than others can bear.
    fn receive(&mut self, lan: usize) {
        let mut buffer = std::mem::take(&mut self.sockets.buffer);
        for _ in 0..BUDGET {
            let now = self.clock.now();
            let Some(input) = self.sockets.read(lan, &mut buffer) else {
                break;
            };
            self.node
                .handle(now, input, &mut self.out, &mut self.orders);
            self.carry_out();
        }
        self.sockets.buffer = buffer;
        self.kernel.flush();
    }

    /// Takes what connections have, each once.
    fn round(&mut self) {
        while let Some(event) = self.transport.try_next() {
            self.hear(event);
        }
    }

    fn hear(&mut self, event: crate::transport::Event) {
        let Self {
            clock,
            node,
            transport,
            out,
            orders,
            ..
        } = self;
        transport.deliver(event, |input| {
            node.handle(clock.now(), Input::Bgp(input), out, orders);
        });
        self.carry_out();
        self.kernel.flush();
    }

    fn feed(&mut self, input: Input<'_>) {
        self.node
            .handle(self.clock.now(), input, &mut self.out, &mut self.orders);
        self.carry_out();
        self.kernel.flush();
    }

    /// Takes what forwarding threads have said, but not for longer than others can bear. Handshakes are not among it:
    /// they wait until nothing else does.
    fn hear_shards(&mut self) -> Result<(), Error> {
        for _ in 0..BUDGET {
            let report = self.inbox.reports.try_recv();
            let punt = self.inbox.punts.try_recv();
            if report.is_err() && punt.is_err() {
                break;
            }
            if let Ok(report) = report {
                self.take_report(report)?;
            }
            if let Ok(punt) = punt {
                self.take_punt(punt);
            }
        }
        Ok(())
    }

    fn take_report(&mut self, report: Report) -> Result<(), Error> {
        match report {
            Report::Notice(shard, notice) => {
                let now = self.clock.now();
                let Self {
                    node, out, orders, ..
                } = self;
                node.on_notice(now, shard, notice, out, orders);
                self.carry_out();
                self.kernel.flush();
                Ok(())
            }
            Report::Ended(cause) => Err(Error::system("forwarding")(cause)),
        }
    }

    fn take_punt(&mut self, punt: Punt) {
        let now = self.clock.now();
        let Self {
            node, out, orders, ..
        } = self;
        node.on_punt(now, punt, out, orders);
        self.carry_out();
        self.kernel.flush();
    }

    /// A handshake costs as much as a thousand packets, and strangers can send them.
    fn take_handshakes(&mut self, first: Punt) {
        let mut next = Some(first);
        for _ in 0..HANDSHAKES {
            let Some(punt) = next else {
                return;
            };
            self.take_punt(punt);
            next = self.inbox.handshakes.try_recv().ok();
        }
        if let Some(punt) = next {
            self.take_punt(punt);
        }
    }

    /// Whether the process is to end.
    fn answer(&mut self, question: Question) -> bool {
        let stop = question.query == Query::Stop;
        let (node, now) = (self.node.node(), self.clock.now());
        question.reply(|query| view::node_answer(node, &self.config, now, query));
        stop
    }

    fn carry_out(&mut self) {
        // A datagram may make the other side use keys that the shards hear of here.
        self.shards.order(self.orders.drain(..));
        for output in self.out.drain(..) {
            match output {
                Output::Datagram { locator, to, bytes } => match Connection::of(to) {
                    None => self.sockets.send(locator, to, &bytes),
                    // A connection that is full drops it, as a full link would.
                    Some(connection) => {
                        self.lines.send(connection, &bytes, bytes.len());
                    }
                },
                Output::Connect {
                    connection,
                    locator,
                    to,
                } => self.carrier.ask(carrier::Command::Connect {
                    connection,
                    locator,
                    to,
                }),
                Output::Disconnect { connection } => {
                    self.carrier.ask(carrier::Command::Disconnect(connection));
                }
                Output::Packet { bytes } => self.kernel.deliver(&bytes),
                Output::Vrrp { lan, bytes } => self.sockets.advertise(lan, &bytes),
                Output::Bgp(output) => self.transport.apply(output),
                Output::AddRoute { prefix, via } => self.kernel.add_route(prefix, via),
                Output::RemoveRoute { prefix } => self.kernel.remove_route(prefix),
                Output::Exit { interface } => self.kernel.leave_by(interface),
                Output::VirtualAddress {
                    lan,
                    address,
                    acquire,
                } => {
                    self.kernel.virtual_address(lan, address, acquire);
                }
                Output::Event(node::Event::Moved(moved)) => tracing::info!("{moved}"),
                Output::Event(event) => tracing::info!(?event),
            }
        }
    }
}
