//! Usage of a month, and its price.

use super::measure::{Alone, InConversation, Usage};

/// List prices in US dollars, us-east-1, without free tiers. Check them before you quote a result.
mod price {
    pub(super) const HTTP_REQUEST: f64 = 1.00e-6;
    /// Per frame of at most 32 KB, in either direction.
    pub(super) const FRAME: f64 = 1.00e-6;
    /// From the billionth frame of a month on.
    pub(super) const FRAME_IN_BULK: f64 = 0.80e-6;
    pub(super) const FRAMES_BEFORE_BULK: f64 = 1e9;
    pub(super) const CONNECTION_MINUTE: f64 = 0.25e-6;
    pub(super) const INVOCATION: f64 = 0.20e-6;
    pub(super) const GB_SECOND: f64 = 1.666_67e-5;
    pub(super) const READ_UNIT: f64 = 0.125e-6;
    pub(super) const WRITE_UNIT: f64 = 0.625e-6;
    pub(super) const SIGNATURE: f64 = 0.15e-4;
    pub(super) const LOG_GB: f64 = 0.50;
    pub(super) const KEY: f64 = 1.00;
    pub(super) const ALARM: f64 = 0.10;
    pub(super) const METRIC: f64 = 0.30;
    pub(super) const DASHBOARD: f64 = 3.00;
}

/// How people work. The defaults are those of `make cost`.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// Working days of a month.
    pub days: f64,
    /// Hours of a working day.
    pub hours: f64,
    /// Sockets of a person who is online.
    pub sockets: f64,
    /// How often a person's last socket closes and opens again in a day: reloads, sleeping laptops.
    pub returns: f64,
    /// The share of messages that mention someone.
    pub mentions: f64,
    /// Typing frames for each message.
    pub typing: f64,
    /// Pages of messages that a person opens in a day.
    pub pages: f64,
    /// Project changes of a person in a day.
    pub changes: f64,
    /// Seconds between two messages of a conversation while people write in it.
    pub gap: f64,
    /// The posts of the busiest second, in posts of the mean second of a working day.
    pub peak: f64,
    /// Memory of a function in GB.
    pub memory: f64,
    /// Billed milliseconds of an invocation without its waits.
    pub base_ms: f64,
    /// Billed milliseconds of one wait for a table.
    pub wait_ms: f64,
    /// Billed milliseconds of one post, many of which run at once.
    pub post_ms: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            days: 22.0,
            hours: 8.0,
            sockets: 1.5,
            returns: 12.0,
            mentions: 0.1,
            typing: 0.0,
            pages: 20.0,
            changes: 5.0,
            gap: 20.0,
            peak: 1.5,
            memory: 0.5,
            base_ms: 4.0,
            wait_ms: 6.0,
            post_ms: 0.5,
        }
    }
}

/// One size of a company.
#[derive(Debug, Clone, Copy)]
pub struct Company {
    /// People.
    pub people: f64,
    /// Messages that a person sends in a day.
    pub sends: f64,
    /// People in a conversation.
    pub participants: usize,
    /// Those of them who are online.
    pub online: usize,
    /// People who share a project or conversation with a person.
    pub acquaintances: usize,
    /// Those of them who are online.
    pub acquaintances_online: usize,
}

/// The rows of the table.
pub const COMPANIES: [Company; 3] = [
    Company { people: 50.0, sends: 40.0, participants: 10, online: 6, acquaintances: 49, acquaintances_online: 30 },
    Company { people: 500.0, sends: 50.0, participants: 15, online: 9, acquaintances: 150, acquaintances_online: 90 },
    Company { people: 5_000.0, sends: 60.0, participants: 25, online: 15, acquaintances: 300, acquaintances_online: 180 },
];

/// What costs the same for any number of people.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// Signing keys.
    pub keys: f64,
    /// Alarms.
    pub alarms: f64,
    /// Custom metrics.
    pub metrics: f64,
    /// Dashboards.
    pub dashboards: f64,
}

impl Fixed {
    fn price(&self) -> f64 {
        self.keys * price::KEY + self.alarms * price::ALARM + self.metrics * price::METRIC + self.dashboards * price::DASHBOARD
    }
}

/// The bill of a month, in US dollars.
#[derive(Debug, Clone, Copy)]
pub struct Bill {
    /// Frames of the WebSocket API, in both directions.
    pub frames: f64,
    /// Of these: read markers with what they cause.
    pub markers: f64,
    /// Of these: presence.
    pub presence: f64,
    /// Tables.
    pub tables: f64,
    /// Functions.
    pub functions: f64,
    /// Signatures.
    pub signatures: f64,
    /// Logs.
    pub logs: f64,
    /// HTTP requests and connection minutes.
    pub requests: f64,
    /// Keys, alarms, metrics and the dashboard.
    pub fixed: f64,
    /// Posts of the busiest second.
    pub peak_posts: f64,
}

impl Bill {
    /// The sum.
    pub fn total(&self) -> f64 {
        self.frames + self.tables + self.functions + self.signatures + self.logs + self.requests + self.fixed
    }
}

/// The share of a reader's markers of which others are told, if they are told at most once in `interval` seconds and messages come at random.
fn told_share(interval: f64, gap: f64) -> f64 {
    1.0 / (1.0 + interval / gap)
}

/// The bill of a company. `interval` is the minimum time between two broadcasts of a reader's marker, in seconds.
pub fn bill(company: &Company, habits: &Habits, interval: f64, alone: &Alone, conversation: &InConversation, fixed: &Fixed) -> Bill {
    let days = habits.days * company.people;
    // Everyone has more sockets than in the measurement, where each has one.
    let with_sockets = |usage: Usage| Usage { posts: usage.posts * habits.sockets, ..usage };
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let readers = company.online.saturating_sub(1) as f64;
    let told = told_share(interval, habits.gap);
    let marker = with_sockets(conversation.marker_told) * told + with_sockets(conversation.marker_again) * (1.0 - told);
    let markers = marker * (days * company.sends * readers);
    let presence_posts = habits.sockets * habits.returns * (alone.arrive.posts + alone.leave.posts) * days;
    let minutes = habits.hours * 60.0;
    let mut all = markers;
    all += with_sockets(conversation.send) * (days * company.sends * (1.0 - habits.mentions));
    all += with_sockets(conversation.mention) * (days * company.sends * habits.mentions);
    all += with_sockets(conversation.typing) * (days * company.sends * habits.typing);
    all += Usage { posts: 0.0, ..alone.arrive + alone.leave } * (days * (habits.returns + habits.sockets * habits.hours / 2.0));
    all += Usage { posts: presence_posts, ..Usage::default() };
    all += alone.refresh * (days * minutes / 10.0);
    all += alone.ping * (days * habits.sockets * minutes / 5.0);
    all += alone.read * (days * habits.pages);
    all += with_sockets(conversation.change) * (days * habits.changes);
    let frames = all.frames + all.posts;
    let bulk = (frames - price::FRAMES_BEFORE_BULK).max(0.0);
    let frame_price = (frames - bulk) * price::FRAME + bulk * price::FRAME_IN_BULK;
    let per_frame = frame_price / frames;
    let billed_ms = all.invocations * habits.base_ms + all.waits * habits.wait_ms + all.posts * habits.post_ms;
    Bill {
        frames: frame_price,
        markers: (markers.frames + markers.posts) * per_frame,
        presence: presence_posts * per_frame,
        tables: all.reads * price::READ_UNIT + all.writes * price::WRITE_UNIT,
        functions: all.invocations * price::INVOCATION + billed_ms / 1e3 * habits.memory * price::GB_SECOND,
        signatures: all.signatures * price::SIGNATURE,
        logs: all.log_bytes / 1e9 * price::LOG_GB,
        requests: all.http_requests * price::HTTP_REQUEST + days * minutes * habits.sockets * price::CONNECTION_MINUTE,
        fixed: fixed.price(),
        peak_posts: all.posts / (habits.days * habits.hours * 3_600.0) * habits.peak,
    }
}

/// The posts that one message causes in a conversation in which everyone is online, each with one socket: the message and every reader's marker.
pub fn posts_per_message(online: usize, conversation: &InConversation, told: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let readers = online.saturating_sub(1) as f64;
    conversation.send.posts + readers * (conversation.marker_told.posts * told + conversation.marker_again.posts * (1.0 - told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_the_sum_of_what_is_used() {
        let company = Company { people: 10.0, sends: 100.0, participants: 3, online: 3, acquaintances: 2, acquaintances_online: 2 };
        let habits = Habits { days: 10.0, sockets: 1.0, returns: 0.0, mentions: 0.25, pages: 0.0, changes: 0.0, ..Habits::default() };
        let conversation = InConversation {
            send: Usage { frames: 2.0, posts: 3.0, writes: 4.0, ..Usage::default() },
            mention: Usage { frames: 2.0, posts: 3.0, writes: 5.0, ..Usage::default() },
            marker_told: Usage { frames: 2.0, posts: 3.0, ..Usage::default() },
            marker_again: Usage { frames: 2.0, posts: 1.0, ..Usage::default() },
            ..InConversation::default()
        };
        let fixed = Fixed { keys: 1.0, alarms: 10.0, metrics: 0.0, dashboards: 0.0 };
        let bill = |interval| bill(&company, &habits, interval, &Alone::default(), &conversation, &fixed);
        // 10,000 sends with 5 frames each, a quarter of them with one write more, and 20,000 markers with 5 frames each.
        let always = bill(0.0);
        assert!((always.frames - 0.15).abs() < 1e-9 && (always.markers - 0.1).abs() < 1e-9, "{always:?}");
        assert!((always.tables - 0.026_562_5).abs() < 1e-9 && (always.fixed - 2.0).abs() < 1e-9, "{always:?}");
        // Half of the markers are told.
        let half = bill(habits.gap);
        assert!((half.markers - 0.08).abs() < 1e-9, "{half:?}");
        assert!((posts_per_message(3, &conversation, 0.5) - 7.0).abs() < 1e-9);
    }
}
