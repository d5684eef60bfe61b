//! The live broker of an environment: what this process hands to it.

use super::{
    book::Book,
    heard::{Heard, Told},
    policy::{self, Policy},
    state::{self, State, folder},
    witnesses::Witnesses,
    workplace::Workplace,
};
use crate::{
    files::{self, Purpose},
    project::Project,
    render::Output,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};
use stepward_broker::{
    Bindings, Environment, FileSecrets, Journal, ServiceAccount, Services, SystemEntropy, Unrecorded,
    WallClock,
    net::{Dns, Network, Resolve, Resolving, servers_in},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Grant, Grants, Label, LimitName, SecretBytes};

/// The rule that an environment's file exists.
const MISSING: Rule = Rule::new("environment-missing");
/// The rule that an environment's folder has its name.
const NAME: Rule = Rule::new("environment-name");
/// The name of an environment's file.
const FILE: &str = "environment.toml";
/// The system's list of name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The environment of commands that are not told one.
pub(crate) const DEFAULT: &str = "dev";

/// Which environment is meant, and whether the caller said so.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Its name.
    pub(crate) name: Label,
    typed: bool,
}

impl Wanted {
    /// What `--env` says, or `dev` where it says nothing.
    pub(crate) fn new(typed: Option<&str>) -> Result<Self, Fault> {
        let text = typed.unwrap_or(DEFAULT);
        let name = Label::new(text).map_err(|why| {
            Fault::new(Class::Usage, Owner::Caller, NAME)
                .says(format_args!("`{text}` names no environment: {why}"))
                .hint("give the name of a folder below environments/, such as `--env dev`")
        })?;
        Ok(Self { name, typed: typed.is_some() })
    }
}

/// An environment's file and its folder.
#[derive(Debug)]
pub(crate) struct Found {
    /// What the file says.
    pub(crate) environment: Environment,
    /// Where its steps run.
    pub(crate) workplace: Workplace,
    /// What its log is told of it.
    policy: Policy,
    /// Where its roots lie; none where there is no file.
    folder: Option<PathBuf>,
}

/// An environment that was opened, who hears what comes of its requests, and where it is recorded.
#[derive(Clone)]
pub(crate) struct Live {
    /// The environment.
    pub(crate) bindings: Arc<Bindings>,
    /// What came of the requests.
    pub(crate) heard: Arc<Heard>,
    /// The log.
    pub(crate) book: Arc<Book>,
}

impl Found {
    /// Reads the environment that is wanted.
    ///
    /// Where nobody named one and the project has no environments at all, steps that need nothing
    /// bound run all the same, under the default limits as ceilings: only an operator's file raises
    /// them. An environment that was named, or that is missing among others, is refused.
    pub(crate) fn read(
        project: Option<&Project>,
        wanted: &Wanted,
        grants: &[&Grants],
    ) -> Result<Self, Fault> {
        let name = &wanted.name;
        let Some(project) = project else {
            return if wanted.typed { Err(no_project(name)) } else { Self::none(name, "", grants) };
        };
        let folder = project.environment(name);
        if folder.join(FILE).exists() {
            return Self::open(&folder, name);
        }
        if wanted.typed || project.environments().is_dir() {
            return Err(missing(project, &folder, name));
        }
        Self::none(name, &files::place(&folder.join(FILE)), grants)
    }

    /// Reads the environment of that name where its file is there.
    pub(crate) fn at_hand(project: Option<&Project>, name: &Label) -> Result<Option<Self>, Fault> {
        let there = project.filter(|project| Self::is_in(project, name));
        there.map(|project| Self::open(&project.environment(name), name)).transpose()
    }

    /// Whether a project has the file of an environment.
    pub(crate) fn is_in(project: &Project, name: &Label) -> bool {
        project.environment(name).join(FILE).exists()
    }

    /// Reads the environment in `folder`.
    pub(crate) fn open(folder: &Path, name: &Label) -> Result<Self, Fault> {
        let file = folder.join(FILE);
        let text = files::read_text(&file, Purpose::Environment)?;
        let environment = Environment::parse(&text, &files::place(&file))?;
        if environment.name() != name {
            return Err(Fault::new(Class::BadInput, Owner::Operator, NAME)
                .at(files::place(&file))
                .says(format_args!(
                    "the folder is called {name:?}, but the file is the environment {:?}",
                    environment.name()
                ))
                .hint("an environment's folder carries its name"));
        }
        let workplace = Workplace::of(&environment)?;
        let policy = Policy::Now(policy::digest(&environment, &text, &state::folder(folder)?));
        Ok(Self { environment, workplace, policy, folder: Some(folder.to_owned()) })
    }

    fn none(name: &Label, place: &str, grants: &[&Grants]) -> Result<Self, Fault> {
        let bound = |grant: &Grant| match grant {
            Grant::Endpoint(_) | Grant::Signer | Grant::Secret => true,
            Grant::Clock | Grant::Random => false,
        };
        if grants.iter().any(|grants| grants.iter().any(|(_, grant)| bound(grant))) {
            return Err(Fault::new(Class::BadInput, Owner::Operator, MISSING)
                .at(place)
                .says(format_args!("there is no environment {name:?}, and the steps need one"))
                .hint("write the file (`stepward schema environment` prints what it may say), or name another with --env"));
        }
        let ceilings = LimitName::ALL.iter().map(|limit| format!("{limit} = {}\n", limit.default_value()));
        let text = format!("name = \"{name}\"\n[ceilings]\n{}", ceilings.collect::<String>());
        let environment = Environment::parse(&text, "no environment")?;
        Ok(Self { environment, workplace: Workplace::undemanding(), policy: Policy::NoFile, folder: None })
    }

    /// Where steps run that need no environment, as those of a replay: as its file says where there
    /// is one.
    pub(crate) fn workplace(project: Option<&Project>, wanted: &Wanted) -> Result<Workplace, Fault> {
        match project.map(|project| project.environment(&wanted.name)) {
            Some(folder) if folder.join(FILE).exists() => Ok(Self::open(&folder, &wanted.name)?.workplace),
            Some(_) | None => Ok(Workplace::undemanding()),
        }
    }

    /// What its log is told of it.
    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// Opens it, with its log: what its steps do is recorded.
    pub(crate) async fn live(self, state: &State, output: &Output) -> Result<Live, Fault> {
        let (key, heard) = (state.environment_key()?, Arc::new(Heard::default()));
        let (name, witnesses) = (self.environment.name(), self.witnesses()?);
        let book = Book::open(state, name, &key, self.policy, witnesses, output).await?;
        let watched = book.watch().map_or(Ok(()), |watch| watch.check());
        let (log, watch) = (book.journal().clone(), book.watch().cloned());
        let journal = Told { heard: Arc::clone(&heard), log, watch };
        match watched.and_then(|()| self.open_bindings(state, key, Arc::new(journal))) {
            Ok(bindings) => Ok(Live { bindings: Arc::new(bindings), heard, book: Arc::new(book) }),
            Err(fault) => {
                // The refusal is what the caller has to hear of.
                drop(book.close().await);
                Err(fault)
            }
        }
    }

    /// Those who watch its log, where it has any.
    pub(crate) fn witnesses(&self) -> Result<Option<Witnesses>, Fault> {
        // Without a folder there is no file, and nothing in it.
        let Some(path) = &self.folder else { return Ok(None) };
        Witnesses::open(&self.environment, &folder(path)?, || self.network())
    }

    /// Opens it without a log, for brokers that send nothing.
    pub(crate) fn unrecorded(self, state: &State) -> Result<Arc<Bindings>, Fault> {
        let key = state.environment_key()?;
        self.open_bindings(state, key, Arc::new(Unrecorded)).map(Arc::new)
    }

    /// Loads roots, derives keys, finds secrets.
    fn open_bindings(
        self,
        state: &State,
        environment_key: SecretBytes,
        journal: Arc<dyn Journal>,
    ) -> Result<Bindings, Fault> {
        let secrets = state.secrets();
        let account = ServiceAccount::of_this_process()?;
        let source = FileSecrets::new(folder(&secrets)?, &files::place(&secrets), account);
        let services = Services {
            network: Arc::new(self.network()?),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::default()),
            environment_key,
            journal,
            listeners: Vec::new(),
        };
        let folder = folder(&self.folder.unwrap_or(secrets))?;
        Bindings::open(self.environment, &folder, Arc::new(source), services)
    }

    /// The way out.
    fn network(&self) -> Result<Network, Fault> {
        let dns = Dns::new(&self.name_servers())?;
        Ok(Network::new(Arc::new(Names(dns))))
    }

    fn name_servers(&self) -> Vec<std::net::SocketAddr> {
        if self.environment.resolver().is_empty() {
            // Without the file there is a name server on this machine: resolv.conf(5).
            servers_in(&files::read_text(Path::new(RESOLV_CONF), Purpose::Environment).unwrap_or_default())
        } else {
            self.environment.resolver().to_vec()
        }
    }
}

fn missing(project: &Project, folder: &Path, name: &Label) -> Fault {
    let known = files::folders(&project.environments()).unwrap_or_default();
    Fault::new(Class::BadInput, Owner::Caller, MISSING)
        .at(files::place(&folder.join(FILE)))
        .says(format_args!("there is no environment {name:?}: its file is not there"))
        .hint(if known.is_empty() {
            format!("there are none yet; write {}", files::place(&folder.join(FILE)))
        } else {
            format!("name one that exists with --env: {}", known.join(", "))
        })
}

fn no_project(name: &Label) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, MISSING)
        .says(format_args!("there is no environment {name:?}: a component file belongs to no project"))
        .hint("leave out --env, or put the component into a project: [steps.NAME]\n        component = \"PATH\"")
}

/// DNS, but for the names that RFC 6761 (section 6.3) reserves for this machine: they never leave
/// it. The address policy judges them like any other.
struct Names(Dns);

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        if name == "localhost" || name.ends_with(".localhost") {
            return Box::pin(async { Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) });
        }
        self.0.resolve(name)
    }
}

/// The system's clock.
struct SystemClock;

impl WallClock for SystemClock {
    fn now_ms(&self) -> u64 {
        now_ms()
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_ms() -> u64 {
    now_us() / 1000
}

/// Microseconds since 1970-01-01T00:00:00Z.
pub(crate) fn now_us() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the runner is the room that reads the clock")]
    let now = std::time::SystemTime::now();
    // A clock before 1970 is shown as 1970.
    now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
