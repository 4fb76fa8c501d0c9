//! One request to the manager interface as a machine: which actions it takes, and what their answers mean
//! (Asterisk `main/manager.c`). The connection, its deadlines and its renewal belong to `link`.

use std::collections::VecDeque;

use bytes::Bytes;
use uuid::Uuid;

use super::config::{Config, Recipe};
use super::target::{Target, is_variable_name};
use super::wire::{Action, Message};
use crate::base::Personal;
use crate::leg::{PbxCaller, PbxError, PbxMove};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    LogIn,
    /// Whether the connection lives.
    Ping,
    LogOff,
    Caller(Uuid),
    Transfer {
        uuid: Uuid,
        target: String,
        variables: Vec<(String, String)>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Done,
    Caller(PbxCaller),
    Moved(PbxMove),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Send(Bytes),
    /// The last output.
    Finished(Result<Answer, PbxError>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// One action, whose success is the answer.
    Single(Answer),
    /// The list of channels is coming; `found` is the caller's.
    Listing {
        found: Option<Found>,
    },
    /// Variables are being set, one action each.
    Setting {
        channel: String,
        rest: VecDeque<(String, String)>,
    },
    Redirecting,
    Finished,
}

/// The caller's channel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    channel: String,
    caller: PbxCaller,
}

/// The machine of one request.
#[derive(Debug)]
pub struct Exchange {
    ask: Ask,
    target: Option<Target>,
    recipe: Recipe,
    context: String,
    priority: u32,
    target_variable: String,
    phase: Phase,
    /// The ActionID whose answer is awaited.
    id: u64,
    outputs: VecDeque<Output>,
}

impl Exchange {
    /// `first_id` begins the request's ActionIDs; requests of one connection never share any.
    pub fn new(config: &Config, ask: Ask, first_id: u64) -> Exchange {
        let mut exchange = Exchange {
            target: None,
            recipe: config.recipe,
            context: config.context.clone(),
            priority: config.priority,
            target_variable: config.target_variable.clone(),
            phase: Phase::Single(Answer::Done),
            id: first_id,
            outputs: VecDeque::new(),
            ask,
        };
        exchange.begin(config);
        exchange
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The ActionID after the last one used.
    pub fn next_id(&self) -> u64 {
        self.id + 1
    }

    pub fn handle(&mut self, message: &Message) {
        if message.field("ActionID") != Some(self.id.to_string().as_str()) {
            return;
        }
        if message.field("Response").is_some() && !message.says("Response", "Success") {
            return self.finish(Err(refusal(message)));
        }
        match std::mem::replace(&mut self.phase, Phase::Finished) {
            Phase::Single(answer) => self.finish(Ok(answer)),
            Phase::Listing { found } => self.listed(message, found),
            Phase::Setting { channel, rest } => self.set_next(channel, rest),
            Phase::Redirecting => self.finish(Ok(Answer::Moved(PbxMove::Taken))),
            Phase::Finished => {}
        }
    }

    fn begin(&mut self, config: &Config) {
        let action = match &self.ask {
            Ask::LogIn => Action::new("Login", self.id)
                .with("Username", &config.username)
                .with("Secret", config.secret.expose())
                // Nothing is reported unasked: channels are looked up when somebody is to be moved.
                .with("Events", "off"),
            Ask::Ping => Action::new("Ping", self.id),
            Ask::LogOff => Action::new("Logoff", self.id),
            Ask::Caller(_) => self.list(),
            Ask::Transfer { target, variables, .. } => {
                let target = Target::parse(target);
                if !variables.iter().all(|(name, _)| is_variable_name(name)) {
                    return self.finish(Err(PbxError::BadTarget));
                }
                match target {
                    Ok(target) => self.target = Some(target),
                    Err(error) => return self.finish(Err(error)),
                }
                self.list()
            }
        };
        self.send(action);
    }

    fn list(&mut self) -> Action {
        self.phase = Phase::Listing { found: None };
        Action::new("CoreShowChannels", self.id)
    }

    fn listed(&mut self, message: &Message, mut found: Option<Found>) {
        let uuid = match &self.ask {
            Ask::Caller(uuid) | Ask::Transfer { uuid, .. } => *uuid,
            Ask::LogIn | Ask::Ping | Ask::LogOff => return,
        };
        if !message.says("Event", "CoreShowChannelsComplete") {
            if message.says("Event", "CoreShowChannel") && found.is_none() {
                found = channel_of(message, uuid);
            }
            self.phase = Phase::Listing { found };
            return;
        }
        let Some(found) = found else {
            return self.finish(Err(PbxError::NoSuchChannel));
        };
        if let (Ask::Transfer { variables, .. }, Some(target)) = (&self.ask, &self.target) {
            let mut rest: VecDeque<_> = variables.iter().cloned().collect();
            rest.push_back((self.target_variable.clone(), target.extension.clone()));
            self.set_next(found.channel, rest);
        } else {
            self.finish(Ok(Answer::Caller(found.caller)));
        }
    }

    fn set_next(&mut self, channel: String, mut rest: VecDeque<(String, String)>) {
        self.id += 1;
        if let Some((name, value)) = rest.pop_front() {
            let action = Action::new("Setvar", self.id).with("Channel", &channel);
            self.send(action.with("Variable", &name).with("Value", &value));
            self.phase = Phase::Setting { channel, rest };
            return;
        }
        match (self.recipe, &self.target) {
            (Recipe::Redirect, Some(target)) => {
                let context = target.context.as_deref().unwrap_or(&self.context);
                let action = Action::new("Redirect", self.id)
                    .with("Channel", &channel)
                    .with("Context", context)
                    .with("Exten", &target.extension)
                    .with("Priority", &self.priority.to_string());
                self.phase = Phase::Redirecting;
                self.send(action);
            }
            _ => self.finish(Ok(Answer::Moved(PbxMove::WhenWeLeave))),
        }
    }

    fn send(&mut self, action: Action) {
        self.outputs.push_back(Output::Send(action.encode()));
    }

    fn finish(&mut self, result: Result<Answer, PbxError>) {
        self.phase = Phase::Finished;
        self.outputs.push_back(Output::Finished(result));
    }
}

/// The caller's channel is the one inside AudioSocket(uuid,…), or the one whose Dial() made the AudioSocket channel;
/// that channel itself is ours and of no use.
fn channel_of(message: &Message, uuid: Uuid) -> Option<Found> {
    let channel = message.field("Channel").filter(|channel| !channel.starts_with("AudioSocket/"))?;
    let data = message.field("ApplicationData")?.to_ascii_lowercase();
    let uuid = uuid.to_string();
    let carries = message.says("Application", "AudioSocket") && data.starts_with(&uuid)
        || message.says("Application", "Dial") && data.contains("audiosocket/") && data.contains(&uuid);
    let said = |name| message.field(name).filter(|value| !value.is_empty() && *value != "<unknown>").map(str::to_owned);
    carries.then(|| Found {
        channel: channel.to_owned(),
        caller: PbxCaller {
            number: said("CallerIDNum").map(Personal::new),
            name: said("CallerIDName").map(Personal::new),
            dialled: said("Exten").unwrap_or_default(),
        },
    })
}

/// Asterisk has no error codes; these texts are in `manager.c` of every version with AudioSocket.
fn refusal(message: &Message) -> PbxError {
    let text = message.field("Message").unwrap_or_default().to_ascii_lowercase();
    if text.contains("authentication failed") || text.contains("permission denied") {
        PbxError::NotAllowed
    } else if text.contains("channel does not exist") || text.contains("no such channel") {
        PbxError::NoSuchChannel
    } else {
        PbxError::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Reader;
    use super::*;

    const UUID: Uuid = Uuid::from_u128(0x40325ec2_5efd_4bd3_805f_53576e581d13);

    /// Feeds `answers` one message at a time, and tells what the machine did, secrets and all.
    fn run(config: &Config, ask: Ask, answers: &[&str]) -> Vec<String> {
        let mut reader = Reader::default();
        reader.push(b"Asterisk Call Manager/5.0.2\r\n");
        let mut exchange = Exchange::new(config, ask, 1);
        let mut told = Vec::new();
        for answer in std::iter::once(&"").chain(answers) {
            reader.push(answer.replace('\n', "\r\n").as_bytes());
            while let Some(message) = reader.next_message().unwrap() {
                exchange.handle(&message);
            }
            while let Some(output) = exchange.poll_output() {
                told.push(match output {
                    Output::Send(bytes) => String::from_utf8_lossy(&bytes).trim_end().replace("\r\n", " | "),
                    Output::Finished(result) => format!("{result:?}"),
                });
            }
        }
        told
    }

    fn transfer(target: &str) -> Ask {
        let variables = vec![("CALL_REASON".to_owned(), "просить людину".to_owned())];
        Ask::Transfer { uuid: UUID, target: target.to_owned(), variables }
    }

    const LIST: &str = "Response: Success\nActionID: 1\nEventList: start\nMessage: Channels will follow\n\n\
        Event: CoreShowChannel\nActionID: 1\nChannel: PJSIP/other-00000001\nApplication: AudioSocket\n\
        ApplicationData: 11111111-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092\n\n\
        Event: Newexten\nChannel: PJSIP/stray-00000009\n\n\
        Event: CoreShowChannel\nActionID: 1\nChannel: PJSIP/trunk-00000002\nCallerIDNum: 0441234567\n\
        CallerIDName: <unknown>\nExten: 100\nApplication: AudioSocket\n\
        ApplicationData: 40325EC2-5efd-4bd3-805f-53576e581d13,127.0.0.1:9092\n\n\
        Event: CoreShowChannelsComplete\nActionID: 1\nEventList: Complete\nListItems: 2\n\n";

    #[test]
    fn redirect_sets_the_variables_first() {
        let done = |id| format!("Response: Success\nActionID: {id}\nMessage: ok\n\n");
        let told =
            run(&Config::default(), transfer("operators"), &[LIST, &done(2), &done(3), &done(77), &done(4), &done(4)]);
        assert_eq!(
            told,
            [
                "Action: CoreShowChannels | ActionID: 1",
                "Action: Setvar | ActionID: 2 | Channel: PJSIP/trunk-00000002 | Variable: CALL_REASON | Value: просить людину",
                "Action: Setvar | ActionID: 3 | Channel: PJSIP/trunk-00000002 | Variable: TELEFONIST_TARGET | Value: operators",
                "Action: Redirect | ActionID: 4 | Channel: PJSIP/trunk-00000002 | Context: telefonist-operators | Exten: operators | Priority: 1",
                "Ok(Moved(Taken))",
            ]
        );
    }

    #[test]
    fn leaving_sets_the_variables_and_no_more() {
        let config = Config { recipe: Recipe::Leave, ..Config::default() };
        let told = run(
            &config,
            transfer("100@sales"),
            &[LIST, "Response: Success\nActionID: 2\n\n", "Response: Success\nActionID: 3\n\n"],
        );
        assert_eq!(told.len(), 4);
        assert_eq!(told[3], "Ok(Moved(WhenWeLeave))");
    }

    #[test]
    fn the_caller_of_a_dialled_audiosocket_is_the_dialling_channel() {
        let list = "Response: Success\nActionID: 1\n\n\
            Event: CoreShowChannel\nActionID: 1\nChannel: AudioSocket/127.0.0.1:9092-40325ec2-5efd-4bd3-805f-53576e581d13\n\
            Application: AppDial\nApplicationData: (Outgoing Line)\n\n\
            Event: CoreShowChannel\nActionID: 1\nChannel: PJSIP/a-1\nCallerIDNum: 100\nCallerIDName: Ann\nExten: 7\nApplication: Dial\n\
            ApplicationData: AudioSocket/127.0.0.1:9092/40325ec2-5efd-4bd3-805f-53576e581d13/c(slin)\n\n\
            Event: CoreShowChannelsComplete\nActionID: 1\n\n";
        let mut exchange = Exchange::new(&Config::default(), Ask::Caller(UUID), 1);
        let mut reader = Reader::default();
        reader.push(b"Asterisk Call Manager/5.0.2\n");
        reader.push(list.as_bytes());
        while let Some(message) = reader.next_message().unwrap() {
            exchange.handle(&message);
        }
        let caller = PbxCaller {
            number: Some(Personal::new("100".to_owned())),
            name: Some(Personal::new("Ann".to_owned())),
            dialled: "7".to_owned(),
        };
        assert!(matches!(exchange.poll_output(), Some(Output::Send(_))));
        assert_eq!(exchange.poll_output(), Some(Output::Finished(Ok(Answer::Caller(caller)))));
    }

    #[test]
    fn refusals_are_told_apart() {
        let refused = |answers: &[&str]| run(&Config::default(), transfer("operators"), answers).pop();
        let error = |message| format!("Response: Error\nActionID: 1\nMessage: {message}\n\n");
        assert_eq!(refused(&[&error("Permission denied")]), Some("Err(NotAllowed)".to_owned()));
        assert_eq!(refused(&[&error("Something else")]), Some("Err(Refused)".to_owned()));
        let empty = "Response: Success\nActionID: 1\n\nEvent: CoreShowChannelsComplete\nActionID: 1\n\n";
        assert_eq!(refused(&[empty]), Some("Err(NoSuchChannel)".to_owned()));
        let gone = "Response: Error\nActionID: 2\nMessage: Channel does not exist: PJSIP/trunk-00000002\n\n";
        assert_eq!(refused(&[LIST, gone]), Some("Err(NoSuchChannel)".to_owned()));
        assert_eq!(run(&Config::default(), transfer("1,2"), &[]), ["Err(BadTarget)"]);
        let login = run(&Config::default(), Ask::LogIn, &[&error("Authentication failed")]);
        assert_eq!(login.last(), Some(&"Err(NotAllowed)".to_owned()));
    }
}
