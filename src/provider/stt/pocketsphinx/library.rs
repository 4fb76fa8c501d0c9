//! The C library behind the offline ears: PocketSphinx, found and loaded when the program runs, so that it builds and
//! starts where the library is not installed. Debian and Ubuntu ship "0.8" (5prealpha, `libpocketsphinx.so.3` on
//! `libsphinxbase.so.3`); releases 5.x keep everything in one library with another way to configure it. Everything
//! unsafe stays in this file. What is decoded, and on which thread, is for the rest of the room.
//! API: pocketsphinx.h, cmd_ln.h and err.h of both generations.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use libloading::Library;

/// Names the library goes by; what is named first is tried first.
const SONAMES: [&str; 4] =
    ["libpocketsphinx.so.3", "libpocketsphinx.so.1", "libpocketsphinx.so.5", "libpocketsphinx.so"];
const BASE_SONAMES: [&str; 3] = ["libsphinxbase.so.3", "libsphinxbase.so.1", "libsphinxbase.so"];

type Config = *mut c_void;
type Handle = *mut c_void;

/// How a decoder is configured differs between the generations; the decoding calls are the same.
enum Generation {
    /// 0.8 and 5prealpha: a command line is parsed.
    CommandLine {
        definitions: unsafe extern "C" fn() -> *const c_void,
        parse: unsafe extern "C" fn(Config, *const c_void, i32, *mut *mut c_char, i32) -> Config,
        free: unsafe extern "C" fn(Config) -> c_int,
    },
    /// 5.0 and later: a configuration object is filled.
    Object {
        init: unsafe extern "C" fn(*const c_void) -> Config,
        set: unsafe extern "C" fn(Config, *const c_char, *const c_char) -> *const c_void,
        free: unsafe extern "C" fn(Config) -> c_int,
    },
}

/// Decoding takes all the processor it gets. Whatever else the program does is short and urgent, sound first, and must
/// not queue behind it: least of all while the media thread waits for a lock that a task holds.
const NICENESS: c_int = 10;

/// Puts the calling thread behind the others (setpriority(2), which on Linux is of a thread). Refused to nobody.
pub fn let_others_first() {
    // SAFETY: no pointers; zero is the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
}

/// The loaded library's functions. They live as long as the libraries held beside them.
pub struct PocketSphinx {
    generation: Generation,
    init: unsafe extern "C" fn(Config) -> Handle,
    free: unsafe extern "C" fn(Handle) -> c_int,
    add_grammar: unsafe extern "C" fn(Handle, *const c_char, *const c_char) -> c_int,
    use_search: unsafe extern "C" fn(Handle, *const c_char) -> c_int,
    drop_search: unsafe extern "C" fn(Handle, *const c_char) -> c_int,
    start: unsafe extern "C" fn(Handle) -> c_int,
    process: unsafe extern "C" fn(Handle, *const i16, usize, c_int, c_int) -> c_int,
    end: unsafe extern "C" fn(Handle) -> c_int,
    hypothesis: unsafe extern "C" fn(Handle, *mut i32) -> *const c_char,
    _libraries: Vec<Library>,
}

/// What keeps a decoder from being made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LibraryError {
    #[error(
        "the recogniser is not installed; on Debian or Ubuntu run: apt-get install libpocketsphinx3 pocketsphinx-en-us"
    )]
    NotFound,
    #[error("`{library}` is not a PocketSphinx this program knows: it has no `{symbol}`")]
    Foreign { library: String, symbol: &'static str },
    #[error("no acoustic model in {}; on Debian or Ubuntu run: apt-get install pocketsphinx-en-us", .0.display())]
    NoModel(PathBuf),
    #[error("the library refused its model, dictionary or settings")]
    Refused,
}

impl PocketSphinx {
    /// Loads the library at `path`, or the first one the system knows.
    pub fn load(path: Option<&Path>) -> Result<PocketSphinx, LibraryError> {
        // SAFETY: loading runs the library's initialisers; PocketSphinx and its base have none of consequence.
        let open = |name: &std::ffi::OsStr| unsafe { Library::new(name) }.ok();
        let names: Vec<&std::ffi::OsStr> = match path {
            Some(path) => vec![path.as_os_str()],
            None => SONAMES.iter().map(|name| std::ffi::OsStr::new(*name)).collect(),
        };
        let (name, main) = names
            .into_iter()
            .find_map(|name| open(name).map(|library| (name.to_string_lossy().into_owned(), library)))
            .ok_or(LibraryError::NotFound)?;
        let foreign = |symbol| LibraryError::Foreign { library: name.clone(), symbol };

        // SAFETY (all look-ups below): the types are those of the headers of the generation the symbol belongs to, and
        // the pointers are kept no longer than the libraries.
        unsafe fn find<T: Copy>(library: &Library, symbol: &'static str) -> Option<T> {
            unsafe { library.get::<T>(symbol.as_bytes()) }.ok().map(|found| *found)
        }
        let need = |symbol| foreign(symbol);
        macro_rules! symbol {
            ($library:expr, $name:literal) => {
                unsafe { find($library, $name) }.ok_or_else(|| need($name))?
            };
        }
        type SetLog = unsafe extern "C" fn(*mut c_void);
        type SetCallback = unsafe extern "C" fn(Option<unsafe extern "C" fn()>, *mut c_void);
        let newer = unsafe { find::<*const c_void>(&main, "ps_config_init") }.is_some();
        let mut libraries = Vec::new();
        let (generation, add_grammar, use_search, drop_search);
        if newer {
            generation = Generation::Object {
                init: symbol!(&main, "ps_config_init"),
                set: symbol!(&main, "ps_config_set_str"),
                free: symbol!(&main, "ps_config_free"),
            };
            add_grammar = symbol!(&main, "ps_add_jsgf_string");
            use_search = symbol!(&main, "ps_activate_search");
            drop_search = symbol!(&main, "ps_remove_search");
            let silence: SetCallback = symbol!(&main, "err_set_callback");
            unsafe { silence(None, ptr::null_mut()) };
        } else {
            let base = BASE_SONAMES.iter().find_map(|name| open(std::ffi::OsStr::new(name)));
            let base = base.ok_or(LibraryError::NotFound)?;
            generation = Generation::CommandLine {
                definitions: symbol!(&main, "ps_args"),
                parse: symbol!(&base, "cmd_ln_parse_r"),
                free: symbol!(&base, "cmd_ln_free_r"),
            };
            add_grammar = symbol!(&main, "ps_set_jsgf_string");
            use_search = symbol!(&main, "ps_set_search");
            drop_search = symbol!(&main, "ps_unset_search");
            let silence: SetLog = symbol!(&base, "err_set_logfp");
            unsafe { silence(ptr::null_mut()) };
            libraries.push(base);
        }
        Ok(PocketSphinx {
            generation,
            init: symbol!(&main, "ps_init"),
            free: symbol!(&main, "ps_free"),
            add_grammar,
            use_search,
            drop_search,
            start: symbol!(&main, "ps_start_utt"),
            process: symbol!(&main, "ps_process_raw"),
            end: symbol!(&main, "ps_end_utt"),
            hypothesis: symbol!(&main, "ps_get_hyp"),
            _libraries: {
                libraries.push(main);
                libraries
            },
        })
    }

    /// The settings are pairs of an option's name without its dash, and its value.
    fn configure(&self, settings: &[(&str, &str)]) -> Result<Config, LibraryError> {
        let text = |text: String| CString::new(text).map_err(|_| LibraryError::Refused);
        match &self.generation {
            Generation::CommandLine { definitions, parse, .. } => {
                let mut words = vec![text("telefonist".into())?];
                for (name, value) in settings {
                    words.push(text(format!("-{name}"))?);
                    words.push(text((*value).to_owned())?);
                }
                let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
                // SAFETY: the words outlive the call, which copies them; the count is theirs.
                let config =
                    unsafe { parse(ptr::null_mut(), definitions(), pointers.len() as i32, pointers.as_mut_ptr(), 1) };
                if config.is_null() { Err(LibraryError::Refused) } else { Ok(config) }
            }
            Generation::Object { init, set, .. } => {
                // SAFETY: null asks for the built-in definitions.
                let config = unsafe { init(ptr::null()) };
                if config.is_null() {
                    return Err(LibraryError::Refused);
                }
                for (name, value) in settings {
                    let (name, value) = (text((*name).to_owned())?, text((*value).to_owned())?);
                    // What a release has no option for, it no longer does; without its files `ps_init` fails.
                    // SAFETY: both strings are copied by the call. It converts the value to the option's own type.
                    unsafe { set(config, name.as_ptr(), value.as_ptr()) };
                }
                Ok(config)
            }
        }
    }

    fn release(&self, config: Config) {
        let (Generation::CommandLine { free, .. } | Generation::Object { free, .. }) = &self.generation;
        // SAFETY: the configuration came from `configure` and is given up once; a decoder holds its own reference.
        unsafe { free(config) };
    }
}

/// One decoder: its model, its grammars, and at most one utterance. Stays on the thread that made it.
pub struct Decoder {
    library: Arc<PocketSphinx>,
    handle: NonNull<c_void>,
}

/// The decoder said no: a grammar it cannot read, a word it does not know, sound after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decoder refused {0}")]
pub struct Refusal(pub &'static str);

impl Decoder {
    pub fn new(library: Arc<PocketSphinx>, settings: &[(&str, &str)]) -> Result<Decoder, LibraryError> {
        let config = library.configure(settings)?;
        // SAFETY: the configuration is valid; `ps_init` takes its own reference to it.
        let handle = unsafe { (library.init)(config) };
        library.release(config);
        let handle = NonNull::new(handle).ok_or(LibraryError::Refused)?;
        Ok(Decoder { library, handle })
    }

    /// Teaches a grammar under a name.
    pub fn add_grammar(&mut self, name: &str, jsgf: &str) -> Result<(), Refusal> {
        let (Ok(name), Ok(jsgf)) = (CString::new(name), CString::new(jsgf)) else { return Err(Refusal("a grammar")) };
        // SAFETY: both strings live through the call, which copies what it keeps.
        let code = unsafe { (self.library.add_grammar)(self.handle.as_ptr(), name.as_ptr(), jsgf.as_ptr()) };
        accept(code, "a grammar")
    }

    /// Forgets a grammar; not the one in use.
    pub fn drop_grammar(&mut self, name: &str) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: an unknown name is answered with an error code, which changes nothing here.
            unsafe { (self.library.drop_search)(self.handle.as_ptr(), name.as_ptr()) };
        }
    }

    /// Begins an utterance that follows the grammar taught under `name`.
    pub fn start(&mut self, name: &str) -> Result<(), Refusal> {
        let name = CString::new(name).map_err(|_| Refusal("a grammar's name"))?;
        // SAFETY: the handle is valid and no utterance is open: `end` closes each.
        let code = unsafe { (self.library.use_search)(self.handle.as_ptr(), name.as_ptr()) };
        accept(code, "a grammar's name")?;
        accept(unsafe { (self.library.start)(self.handle.as_ptr()) }, "to start")
    }

    /// Sound at 16 kHz; `whole` when this is the entire utterance, which lets the level be judged before decoding.
    pub fn hear(&mut self, samples: &[i16], whole: bool) -> Result<(), Refusal> {
        // SAFETY: pointer and length are those of one slice, which the call only reads.
        let code = unsafe {
            (self.library.process)(self.handle.as_ptr(), samples.as_ptr(), samples.len(), 0, c_int::from(whole))
        };
        // Not negative: the number of frames searched.
        accept(code.min(0), "sound")
    }

    pub fn end(&mut self) -> Result<(), Refusal> {
        // SAFETY: the handle is valid; without an open utterance the call answers an error code.
        accept(unsafe { (self.library.end)(self.handle.as_ptr()) }, "to end")
    }

    /// The best words so far and their score, a log likelihood in the library's own unit.
    pub fn hypothesis(&mut self) -> Option<(String, i32)> {
        let mut score = 0;
        // SAFETY: the text belongs to the decoder until its next call; it is copied at once.
        let text = unsafe { (self.library.hypothesis)(self.handle.as_ptr(), &mut score) };
        if text.is_null() {
            return None;
        }
        let text = unsafe { CStr::from_ptr(text) };
        Some((text.to_string_lossy().into_owned(), score))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `ps_init`, freed once.
        unsafe { (self.library.free)(self.handle.as_ptr()) };
    }
}

fn accept(code: c_int, what: &'static str) -> Result<(), Refusal> {
    if code < 0 { Err(Refusal(what)) } else { Ok(()) }
}
