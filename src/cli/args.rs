use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};
use serde::{Deserialize, Serialize};

use super::Stop;
use super::output::Format;
use super::start::ConsoleArgs;
use super::ticket::Lang;
use crate::model::allocation::{Currency, Month};

/// The operations console for license imports of a Microsoft CSP partner.
///
/// Without a command it opens the console.
#[derive(Debug, Parser)]
#[command(name = "tenantop", version, max_term_width = 100, after_long_help = super::exit_codes())]
pub struct Args {
    /// Where configuration and store are, and how rows are shown.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How the console starts.
    #[command(flatten)]
    pub console: ConsoleArgs,
    /// What to do; the console if absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that go with every command.
#[derive(Debug, Arguments)]
pub struct PlaceArgs {
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "TENANTOP_CONFIG")]
    pub config: Option<PathBuf>,
    /// The store's file.
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// The socket of the service that holds the store; it has to answer. If absent, the one of the configuration is used
    /// if it is there, and the machine's own unless `--config` or `--store` names something else.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "standalone")]
    pub socket: Option<PathBuf>,
    /// Open the store here, whether or not a service is there. The store of the machine's own service is refused.
    #[arg(long, global = true)]
    pub standalone: bool,
    /// How rows are shown.
    #[arg(long, global = true, value_enum)]
    pub format: Option<Format>,
    /// Short for --format json: one object a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// The machine's configuration and its service, whatever files and variables of the caller's own say.
    #[arg(skip)]
    pub machine: bool,
}

impl PlaceArgs {
    /// How rows are to be shown.
    pub fn format(&self) -> Result<Format, Stop> {
        match (self.json, self.format) {
            (true, Some(Format::Table | Format::Csv)) => Err(Stop::usage("--json and --format contradict each other")),
            (true, _) => Ok(Format::Json),
            (false, format) => Ok(format.unwrap_or(Format::Table)),
        }
    }
}

/// Which rows.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Only this tenant: its id, its domain, or a name that fits exactly one.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Only this partner.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Only rows that pass: `text`, `!text`, `field:value`, as on the screen of that name (licenses and failures: of
    /// tenants that pass).
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
}

/// Which license counts.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Which tenants.
    #[command(flatten)]
    pub only: Only,
    /// A row for each SKU of each tenant, as with `--tenant`, instead of sums.
    #[arg(long, conflicts_with = "history")]
    pub each: bool,
    /// Day by day, as imports read them, instead of the counts of the last import: a row for each product and day.
    #[arg(long)]
    pub history: bool,
    /// With --history: only this product, by its SKU id, its part number or its name.
    #[arg(long, value_name = "SKU", requires = "history")]
    pub sku: Option<String>,
    /// With --history: only this day and newer ones (UTC).
    #[arg(long, value_name = "YYYY-MM-DD", requires = "history")]
    pub since: Option<jiff::civil::Date>,
}

/// Which users, in which order.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Which rows.
    #[command(flatten)]
    pub only: Only,
    /// The users of each tenant by a field, as on the screen: `name`, `department`, `finding`; as Graph lists them if absent.
    #[arg(long, value_name = "FIELD")]
    pub sort: Option<String>,
    /// The order turned round.
    #[arg(long)]
    pub reverse: bool,
}

/// Which rows of the audit.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audited {
    /// Only what is about this tenant: its id, its domain, or a name that fits exactly one.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// With --tenant: the customer of this partner.
    #[arg(long, value_name = "NAME", requires = "tenant")]
    pub partner: Option<String>,
    /// Only what this person did.
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Only rows that pass: `text`, `!text`, `field:value`, as on the screen of that name.
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Only this day and newer ones (UTC).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub since: Option<jiff::civil::Date>,
    /// At most so many rows.
    #[arg(long, value_name = "ROWS")]
    pub last: Option<u64>,
    /// No rows: whether every row is the one that was written, and none is missing. Exit code 4 if not.
    #[arg(long, conflicts_with_all = ["tenant", "who", "filter", "since", "last"])]
    pub verify: bool,
}

/// Which tenants to import.
#[derive(Debug, Arguments)]
pub struct Wanted {
    /// Tenants: an id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT", conflicts_with_all = ["all", "failed"])]
    pub tenants: Vec<String>,
    /// Every tenant of every partner; the customer list is read first.
    #[arg(long, conflicts_with = "failed")]
    pub all: bool,
    /// Those whose last import failed or never succeeded.
    #[arg(long)]
    pub failed: bool,
    /// With --all or --failed: only this partner.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Why, kept with the run.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Which tenants to probe.
#[derive(Debug, Arguments)]
pub struct Probed {
    /// Tenants: an id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT", conflicts_with = "failed")]
    pub tenants: Vec<String>,
    /// Those whose last import or probe was refused.
    #[arg(long)]
    pub failed: bool,
    /// Only this partner: two may serve one tenant.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Why, kept with the run.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Which allocation, and what of it.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "clap lets one of them through")]
pub struct Allotted {
    /// An id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// Only this partner: two may serve one tenant.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Which month (UTC); the one that it is if absent.
    #[arg(long, value_name = "YYYY-MM")]
    pub month: Option<Month>,
    /// Each user with what he bears: a row for each unit and product of his.
    #[arg(long, group = "what")]
    pub users: bool,
    /// Each product with its price, seats and bill.
    #[arg(long, group = "what")]
    pub products: bool,
    /// Each rule with how many users it holds for, and how many it took.
    #[arg(long, group = "what")]
    pub hits: bool,
    /// What was checked, and whether the month can be closed.
    #[arg(long, group = "what")]
    pub checks: bool,
    /// Values that differ in nothing but capitals and blanks at their ends.
    #[arg(long, group = "what")]
    pub spellings: bool,
    /// Why this user is where he is, rule by rule: by object id, sign-in name or mail.
    #[arg(long, value_name = "USER", group = "what")]
    pub why: Option<String>,
    /// The sheet that the month was closed with before it was opened again, by the number that `tenantop months` tells. Who
    /// bore what of it is not kept.
    #[arg(long, value_name = "NUMBER", requires = "month", conflicts_with_all = ["users", "why", "rules", "prices"])]
    pub superseded: Option<u32>,
    /// With the rules of this file, as a draft: what they would move, unit by unit. Nothing is saved.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub rules: Option<PathBuf>,
    /// With the prices of this CSV file, as a draft: what they would move, unit by unit. Nothing is saved.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub prices: Option<PathBuf>,
}

impl Allotted {
    /// Whether some part of the sheet is wanted instead of its units.
    pub(super) const fn names_part(&self) -> bool {
        self.products || self.hits || self.checks || self.spellings
    }
}

/// Which rules.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruled {
    /// An id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// Only this partner: two may serve one tenant.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// This version, instead of the newest.
    #[arg(long, value_name = "NUMBER", group = "what")]
    pub number: Option<u32>,
    /// Every version: who, when, why.
    #[arg(long, group = "what")]
    pub history: bool,
    /// Save the rules of this file as the next version. What they move is said first.
    #[arg(long, value_name = "FILE", group = "what", requires = "reason")]
    #[serde(skip)]
    pub save: Option<PathBuf>,
    /// Why; kept with the version.
    #[arg(long, value_name = "TEXT", requires = "save")]
    pub reason: Option<String>,
    /// With --save: the version that the file was made from; refused if it is not the newest any more.
    #[arg(long, value_name = "NUMBER", requires = "save")]
    pub from: Option<u32>,
}

/// Which prices.
#[derive(Debug, Arguments)]
#[group(id = "priced")]
pub struct Priced {
    /// An id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// Only this partner: two may serve one tenant.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// This version, instead of the newest.
    #[arg(long, value_name = "NUMBER", group = "what")]
    pub number: Option<u32>,
    /// Every version: who, when, why.
    #[arg(long, group = "what")]
    pub history: bool,
    /// Save the prices of this CSV file in place of all prices of the tenant.
    #[arg(long, value_name = "FILE", group = "what", requires = "reason")]
    pub import: Option<PathBuf>,
    /// Save a price of this product, by SKU id or part number, in place of its prices: of all, or while --from and --to say.
    #[arg(long, value_name = "SKU", group = "what", requires_all = ["amount", "currency", "period", "reason"])]
    pub set: Option<String>,
    /// Show what Partner Center's price sheet (`updatedlicensebased`, CSV) says, as prices to be looked through and then
    /// imported. Nothing is saved.
    #[arg(long, value_name = "FILE", group = "what", requires_all = ["offer_matrix", "market", "currency"])]
    pub price_sheet: Option<PathBuf>,
    /// With --price-sheet: the offer matrix of the month, CSV. It ties the sheet's products to those of Graph.
    #[arg(long, value_name = "FILE", requires = "price_sheet")]
    pub offer_matrix: Option<PathBuf>,
    /// With --price-sheet: prices of this market.
    #[arg(long, value_name = "DE", requires = "price_sheet")]
    pub market: Option<String>,
    /// With --price-sheet: recommended retail prices, not our own cost.
    #[arg(long, requires = "price_sheet")]
    pub retail: bool,
    /// With --set: how much a seat costs, for the period.
    #[arg(long, value_name = "33.00", requires = "set")]
    pub amount: Option<rust_decimal::Decimal>,
    /// With --set and --price-sheet: the currency.
    #[arg(long, value_name = "EUR")]
    pub currency: Option<Currency>,
    /// With --set: month, year or `three_years`.
    #[arg(long, value_name = "PERIOD", requires = "set")]
    pub period: Option<String>,
    /// With --set: from this day on.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "set")]
    pub from: Option<jiff::civil::Date>,
    /// With --set: up to this day, which counts.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "set")]
    pub to: Option<jiff::civil::Date>,
    /// Why; kept with the version.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Which months.
#[derive(Debug, Default, Arguments, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// An id, a domain, or a name that fits exactly one.
    #[arg(value_name = "TENANT")]
    pub tenant: String,
    /// Only this partner: two may serve one tenant.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// Close this month: its sheet, data, prices and rules are frozen. It needs data of the month: once rules or prices of the
    /// tenant are saved, the last reading of a month is kept for three months; of closed months that of the latest, and of the
    /// one closed last.
    #[arg(long, value_name = "YYYY-MM", group = "what")]
    pub close: Option<Month>,
    /// Open this month again: its frozen sheet is superseded and kept, the last sixteen of them. Where the last reading of the
    /// month is given up it cannot be closed again.
    #[arg(long, value_name = "YYYY-MM", group = "what", requires = "reason")]
    pub reopen: Option<Month>,
    /// Why; kept with the month.
    #[arg(long, value_name = "TEXT", requires = "what")]
    pub reason: Option<String>,
}

/// How the service account signs in.
#[derive(Debug, Arguments)]
pub struct SignIn {
    /// Which partner of the configuration.
    #[arg(long, value_name = "NAME")]
    pub partner: String,
    /// By a code that is typed into a browser, where nothing can be pasted.
    ///
    /// Tokens of such a sign-in stay marked: a customer whose policy blocks device code flow refuses them for ever after.
    #[arg(long, conflicts_with = "refresh_token_file")]
    pub device_code: bool,
    /// With the refresh token of a sign-in elsewhere, in this file; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub refresh_token_file: Option<PathBuf>,
    /// With --refresh-token-file: keep it without trying it, for a machine that is offline.
    #[arg(long, requires = "refresh_token_file")]
    pub untried: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Who did what, newest first: wishes with their reasons and outcomes, refusals, sessions, reads of people.
    ///
    /// Rows are only ever added; each has a hash over itself and the one before. The same rows go to the log and, in a
    /// service of systemd, to the journal.
    Audit(Audited),
    /// The service: it owns store, credentials and runs; consoles and commands attach to its socket.
    ///
    /// It listens on the socket that systemd hands over, or makes one in a directory of its own user with mode 0700 or 0750.
    /// What a caller may do follows from the groups that the kernel tells of it. SIGTERM ends it: runs are cut off, and what
    /// is saved stays saved.
    Serve,
    /// What sshd runs instead of what is asked for: the console, or one of the commands that a forced account has.
    ///
    /// For `ForceCommand` of sshd. It reads `SSH_ORIGINAL_COMMAND`, takes it apart into words as a shell would, without
    /// one, and does tenants, failures, licenses, users, diff, expiries, ticket, runs, import, probe, sync, allocate, rules,
    /// prices, months, login, audit and explain with their flags; without a command it opens the console. A flag or a command that names a file is refused, with exit code
    /// 2. It attaches to the machine's service and opens no store; configuration and variables of the caller's own are left
    /// aside.
    Forced,
    /// Sign a partner's service account in, with MFA, and keep its refresh token, sealed.
    ///
    /// Shows an address to open in a browser anywhere, and asks for the address that the browser ends at: `redirect_uri` of
    /// the partner, which the app has registered under Web. Nothing is kept until the account, its tenant and MFA are
    /// checked and the new token has worked at the partner's own tenant and for Partner Center. If anything of it fails,
    /// what was stored before stays, and the exit code is 3. It is kept in the store: while another process holds that, the
    /// exit code is 4. No browser is started here. All is said on standard error.
    Login(SignIn),
    /// Read the customer list from Partner Center.
    Sync {
        /// Only this partner.
        #[arg(long, value_name = "NAME")]
        partner: Option<String>,
    },
    /// Run imports and wait for their end.
    Import(Wanted),
    /// Sign in to tenants and read nothing: does access work?
    ///
    /// Ends with 0 if every sign-in passed, with 1 if some did not.
    Probe(Probed),
    /// Every tenant with its last import.
    Tenants(Only),
    /// What is refused, why, and whose turn it is.
    Failures(Only),
    /// License counts: of all tenants by product, the biggest waste first; of one tenant by SKU; or day by day.
    ///
    /// Without `--tenant` a row is a product over all tenants whose SKUs were read; standard error names those that are
    /// missing in it, and those whose data are old. `--filter` and `--partner` say whose licenses are summed up.
    ///
    /// A row of one tenant has one `finding`, the gravest: `over` (more assigned than usable), `not_there` (sold and not
    /// in the tenant), `in_grace`, `unseen_users` and `uncounted_users` (our count of holders and Graph's differ),
    /// `not_listed` (held, and not among the SKUs), `no_product` (sold, of no known product),
    /// `not_by_us` (more than we sold), `off` (suspended or cancelled),
    /// `no_count`, `no_name`, `whole_company`, `full` or `fine`; `known` says who explained it.
    Licenses(Counted),
    /// Users with the 20 fixed fields.
    Users(Listed),
    /// What the last import changed: users, licenses and SKUs against the import before; a row for each field.
    ///
    /// How many were compared, and the sum of each kind, is said on standard error. Kinds are new, gone, renamed,
    /// moved, `license_gained`, `license_lost`, plans, other, `sku_new`, `sku_gone`, units and `sku_other`.
    Diff(Only),
    /// Import runs, newest first.
    Runs {
        /// Only this run.
        #[arg(long, value_name = "NUMBER")]
        run: Option<u64>,
    },
    /// What ends and what stops then: refresh tokens, secrets, certificates, GDAP relationships; soonest first.
    Expiries {
        /// Only this partner.
        #[arg(long, value_name = "NAME")]
        partner: Option<String>,
        /// Only rows that pass: `text`, `!text`, `field:value`, as on the screen of that name.
        #[arg(long, value_name = "FILTER")]
        filter: Option<String>,
    },
    /// The text to send to the customer's administrator: what to change, by which facts it is found.
    ///
    /// Where nothing is to be sent it says why and whose turn it is, and ends with 1.
    Ticket {
        /// An id, a domain, or a name that fits exactly one.
        #[arg(value_name = "TENANT")]
        tenant: String,
        /// Only this partner: two may serve one tenant.
        #[arg(long, value_name = "NAME")]
        partner: Option<String>,
        /// In which language.
        #[arg(long, value_enum, default_value_t)]
        lang: Lang,
    },
    /// What licenses cost each business unit of a tenant in a month: units, untracked and idle seats are the bill, to the
    /// smallest coin.
    ///
    /// A row is a unit with all that is part of it; then users whom no rule took, seats that nobody holds, and the bill.
    /// How it is reckoned, what is wrong and how old the data are is said on standard error. A product without a price
    /// makes the sheet one that is not whole. A closed month shows what was frozen. Who has no saved rules begins with a
    /// unit for each department; who has none by company. Seats are purchased as enabled and in grace; a price of a year
    /// is a twelfth a month; nothing is prorated.
    Allocate(Allotted),
    /// The rules that tell a tenant's users apart: shown as a file, saved from one.
    ///
    /// Standard output has the rules as TOML, to be edited, reviewed and saved again. `tenantop allocate --rules FILE` shows
    /// what a file would move before it is saved. Each version is kept, with who, when and why.
    Rules(Ruled),
    /// What a seat of each product costs a tenant: shown, imported from CSV, set, or taken from Partner Center's files.
    ///
    /// `--format csv` is what `--import` reads: sku, amount, currency, period, from, to, quantity, name. Several prices of a
    /// product at one time need quantities, by which they are blended. A month takes the prices of its last day.
    Prices(Priced),
    /// The months of a tenant's allocation: which are closed, by whom, with which bill. Closes one, or opens it again.
    ///
    /// A month is not closed while a check of its sheet fails (`tenantop allocate --checks`). Later rules, prices and imports
    /// never change a closed month. A row is a time that a month was closed or opened again; `superseded` is the number by
    /// which `tenantop allocate --month MONTH --superseded NUMBER` shows the sheet of a closing that holds no more.
    Months(Closing),
    /// Say what an answer of Entra, Graph or Partner Center means: from standard input, or codes.
    Explain {
        /// Codes, with or without `AADSTS`.
        #[arg(value_name = "CODE")]
        codes: Vec<String>,
    },
    /// The configuration in force, and where each value comes from.
    Config,
    /// Check everything that can be checked from here: configuration, files, disk, store, ages, schedule, clock, hosts, sign-ins.
    ///
    /// What is not ok says what was found, since when, who acts and what comes next. A sign-in is a real one: the new
    /// refresh token is kept, as in a run. While another process holds the store, the sign-ins in it are left out. Of tenants
    /// nothing is asked. Ends with 0 if nothing failed, warnings or not, with 1 if something did, with 3 if every partner's
    /// sign-in failed, with 4 if the store cannot be opened or another process holds it.
    Doctor {
        /// Only this partner's files, hosts, sign-in, tenants and credentials.
        #[arg(long, value_name = "NAME")]
        partner: Option<String>,
        /// Ask nothing of the network; the checks that are left out are named.
        #[arg(long)]
        offline: bool,
    },
    /// Copy the store to a file, while nobody else has it: whole, opened and read through before it is there.
    ///
    /// The copy has the sign-ins as they lie in the store: sealed, and of no use without the key, which is not in it. To
    /// restore, put it in the store's place while nothing runs; where the key is not, `tenantop login`. A backup that is interrupted or killed leaves a file that begins with a dot and ends
    /// with `.part`.
    Backup {
        /// Its name. A file that is there is left as it is.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace a backup that is there.
        #[arg(long)]
        force: bool,
    },
    /// Write figures for Prometheus: a file for `node_exporter`'s textfile collector.
    ///
    /// Tenants by partner and state, ages, failures by class and by who acts, the last run, what ends, the store's size. No
    /// name or id of a tenant is in it. While another process holds the store, the file stays as it is (exit code 4).
    Metrics {
        /// Its name, which ends with `.prom`; it is replaced at once. `-` is standard output.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Completions for a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The manual page.
    Man,
}
