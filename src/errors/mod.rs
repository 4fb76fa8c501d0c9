//! Everything that can be wrong for a person who installs or runs the program, in one catalogue: a code to search for,
//! a title, and how to fix it, in Ukrainian, Russian and English. How calls end has its own catalogue in
//! `base::ending`.

use std::fmt::{self, Write};

use crate::base::Language;

/// Something a person must know or mend: what it is, with the values that belong into its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: ErrorCode,
    /// Values for the `{names}` in the texts.
    values: Vec<(&'static str, String)>,
}

impl Problem {
    pub fn new(code: ErrorCode) -> Problem {
        Problem { code, values: Vec::new() }
    }

    /// Fills `{name}` in the texts.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Problem {
        self.values.push((name, value.to_string()));
        self
    }

    /// What is wrong.
    pub fn title(&self, language: Language) -> String {
        self.fill(self.code.texts(language).0)
    }

    /// How to fix it.
    pub fn remedy(&self, language: Language) -> String {
        self.fill(self.code.texts(language).1)
    }

    fn fill(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            match self.values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => text.push_str(value),
                None => drop(write!(text, "{{{name}}}")),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

macro_rules! catalogue {
    ($( $variant:ident = $code:literal:
        uk $uk:literal / $uk_fix:literal;
        ru $ru:literal / $ru_fix:literal;
        en $en:literal / $en_fix:literal; )*) => {
        /// The catalogue's codes. A code is never reused for something else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $( $variant, )* }

        impl ErrorCode {
            pub const ALL: &'static [ErrorCode] = &[ $( ErrorCode::$variant, )* ];

            /// The code as printed: `T` and three digits.
            pub fn as_str(self) -> &'static str {
                match self { $( ErrorCode::$variant => $code, )* }
            }

            /// Title and remedy, with `{names}` to fill.
            fn texts(self, language: Language) -> (&'static str, &'static str) {
                match (self, language) { $(
                    (ErrorCode::$variant, Language::Ukrainian) => ($uk, $uk_fix),
                    (ErrorCode::$variant, Language::Russian) => ($ru, $ru_fix),
                    (ErrorCode::$variant, Language::English) => ($en, $en_fix),
                )* }
            }
        }
    };
}

catalogue! {
    ConfigUnreadable = "T001":
        uk "Не вдалося прочитати {path}: {reason}" / "Перевірте шлях і права доступу або приберіть --config: програма працює й без файлу";
        ru "Не удалось прочитать {path}: {reason}" / "Проверьте путь и права доступа или уберите --config: программа работает и без файла";
        en "{path} cannot be read: {reason}" / "Check the path and its permissions, or leave --config out: the program runs without a file";
    ConfigSyntax = "T002":
        uk "Помилка запису TOML: {reason}" / "Виправте цей рядок; приклад повного файлу друкує `telefonist config`";
        ru "Ошибка записи TOML: {reason}" / "Исправьте эту строку; пример полного файла печатает `telefonist config`";
        en "Not valid TOML: {reason}" / "Mend this line; `telefonist config` prints a complete example";
    UnknownKey = "T003":
        uk "Невідомий параметр {key}" / "{hint}";
        ru "Неизвестный параметр {key}" / "{hint}";
        en "Unknown setting {key}" / "{hint}";
    WrongType = "T004":
        uk "{key}: очікується {expected}, а тут {found}" / "Запишіть, наприклад: {example}";
        ru "{key}: ожидается {expected}, а здесь {found}" / "Запишите, например: {example}";
        en "{key}: {expected} expected, {found} found" / "Write it like {example}";
    WrongValue = "T005":
        uk "{key}: значення {found} не підходить" / "Дозволено: {allowed}";
        ru "{key}: значение {found} не подходит" / "Допустимо: {allowed}";
        en "{key}: {found} will not do" / "Allowed: {allowed}";
    Missing = "T006":
        uk "Не вказано {key}" / "Додайте, наприклад: {example}";
        ru "Не указано {key}" / "Добавьте, например: {example}";
        en "{key} is missing" / "Add it, for example: {example}";
    Conflict = "T007":
        uk "{key} суперечить {other}: {reason}" / "Змініть одне з двох";
        ru "{key} противоречит {other}: {reason}" / "Измените одно из двух";
        en "{key} contradicts {other}: {reason}" / "Change one of the two";
    SecretUnreadable = "T008":
        uk "{key}: не вдалося прочитати таємницю з {path}: {reason}" / "Перевірте файл і права доступу";
        ru "{key}: не удалось прочитать секрет из {path}: {reason}" / "Проверьте файл и права доступа";
        en "{key}: the secret in {path} cannot be read: {reason}" / "Check the file and its permissions";
    UnknownVariable = "T009":
        uk "Змінна середовища {key} нічого не налаштовує" / "{hint}";
        ru "Переменная среды {key} ничего не настраивает" / "{hint}";
        en "The environment variable {key} sets nothing" / "{hint}";
    CannotListen = "T020":
        uk "Не вдалося відкрити {what} на {address}: {reason}" / "Звільніть порт або змініть {key}";
        ru "Не удалось открыть {what} на {address}: {reason}" / "Освободите порт или измените {key}";
        en "{what} cannot listen on {address}: {reason}" / "Free the port or change {key}";
    NoDoor = "T021":
        uk "Жодних дверей: ні SIP, ні AudioSocket" / "Увімкніть [sip] або [audiosocket]";
        ru "Нет ни одной двери: ни SIP, ни AudioSocket" / "Включите [sip] или [audiosocket]";
        en "No door is open: neither SIP nor AudioSocket" / "Turn on [sip] or [audiosocket]";
    StoreUnusable = "T022":
        uk "База дзвінків {path} недоступна: {reason}" / "Перевірте місце на диску й права доступу або змініть records.database";
        ru "База звонков {path} недоступна: {reason}" / "Проверьте место на диске и права доступа или измените records.database";
        en "The call database {path} cannot be used: {reason}" / "Check disk space and permissions, or change records.database";
    VoiceMissing = "T030":
        uk "Немає голосу: espeak-ng не встановлено" / "Встановіть: scripts/deps або apt-get install espeak-ng";
        ru "Нет голоса: espeak-ng не установлен" / "Установите: scripts/deps или apt-get install espeak-ng";
        en "No voice: espeak-ng is not installed" / "Install it: scripts/deps, or apt-get install espeak-ng";
    RecognizerMissing = "T031":
        uk "Розпізнавання вимкнено: {reason}" / "Встановіть: scripts/deps або apt-get install libpocketsphinx3 pocketsphinx-en-us; до того працює клавіатура телефону";
        ru "Распознавание выключено: {reason}" / "Установите: scripts/deps или apt-get install libpocketsphinx3 pocketsphinx-en-us; до того работает клавиатура телефона";
        en "Recognition is off: {reason}" / "Install it: scripts/deps, or apt-get install libpocketsphinx3 pocketsphinx-en-us; until then the telephone's keypad works";
    ShopUnreachable = "T032":
        uk "Магазин за адресою {url} не відповідає: {reason}" / "Запустіть його (для спроби: `telefonist store`) або змініть shop.base_url; дзвінки приймаються, про шини питатимуть оператора";
        ru "Магазин по адресу {url} не отвечает: {reason}" / "Запустите его (для пробы: `telefonist store`) или измените shop.base_url; звонки принимаются, о шинах спросят оператора";
        en "The shop at {url} does not answer: {reason}" / "Start it (to try things out: `telefonist store`) or change shop.base_url; calls are taken, and tyres are the operator's business";
    NoOperator = "T033":
        uk "Немає кому передати дзвінок" / "Вкажіть operator.targets = [\"sip:…\"]; інакше абоненту пропонують передзвонити";
        ru "Некому передать звонок" / "Укажите operator.targets = [\"sip:…\"]; иначе абоненту предлагают перезвонить";
        en "There is nobody to hand a call to" / "Set operator.targets = [\"sip:…\"]; otherwise callers are offered a call-back";
    PageWide = "T034":
        uk "Сторінка дзвінків відкрита на {address} без пароля" / "Вкажіть http.token або залиште http.listen на 127.0.0.1";
        ru "Страница звонков открыта на {address} без пароля" / "Укажите http.token или оставьте http.listen на 127.0.0.1";
        en "The page of calls is open on {address} without a token" / "Set http.token, or keep http.listen on 127.0.0.1";
    MusicUnusable = "T036":
        uk "Музику {path} не відтворити: {reason}" / "Потрібен WAV: PCM, 16 біт, моно або стерео, 8–48 кГц, до 15 хвилин; до того абоненти чують гудки";
        ru "Музыку {path} не воспроизвести: {reason}" / "Нужен WAV: PCM, 16 бит, моно или стерео, 8–48 кГц, до 15 минут; до того абоненты слышат гудки";
        en "The music {path} cannot be played: {reason}" / "A WAV is needed: PCM, 16 bit, mono or stereo, 8 to 48 kHz, at most 15 minutes; until then callers hear ringing";
    TrunkPassword = "T050":
        uk "{name}: оператор не прийняв пароль ({code} {reason})" / "Звірте password, auth_user і realm з кабінетом оператора; пароль SIP часто не той, що для входу в кабінет";
        ru "{name}: оператор не принял пароль ({code} {reason})" / "Сверьте password, auth_user и realm с кабинетом оператора; пароль SIP часто не тот, что для входа в кабинет";
        en "{name}: the carrier does not take the password ({code} {reason})" / "Compare password, auth_user and realm with the carrier's site; the SIP password is often not the one of its login page";
    TrunkForbidden = "T051":
        uk "{name}: оператор відмовляє ({code} {reason})" / "Перевірте в кабінеті оператора баланс, чи увімкнено лінію і чи дозволено вашу IP-адресу; перевірте user і domain";
        ru "{name}: оператор отказывает ({code} {reason})" / "Проверьте в кабинете оператора баланс, включена ли линия и разрешён ли ваш IP-адрес; проверьте user и domain";
        en "{name}: the carrier refuses us ({code} {reason})" / "Check at the carrier's site the balance, whether the line is on, and whether your IP address is allowed; check user and domain";
    TrunkUnknown = "T052":
        uk "{name}: оператор не знає такого користувача ({code} {reason})" / "Перевірте user, domain і registrar";
        ru "{name}: оператор не знает такого пользователя ({code} {reason})" / "Проверьте user, domain и registrar";
        en "{name}: the carrier knows no such user ({code} {reason})" / "Check user, domain and registrar";
    TrunkSilent = "T053":
        uk "{name}: {address} не відповідає" / "Перевірте адресу, порт і transport у registrar, мережевий екран і мережу; деякі оператори мовчать, доки IP-адресу не дозволено";
        ru "{name}: {address} не отвечает" / "Проверьте адрес, порт и transport в registrar, межсетевой экран и сеть; некоторые операторы молчат, пока IP-адрес не разрешён";
        en "{name}: {address} does not answer" / "Check address, port and transport of registrar, the firewall and the network; some carriers are silent until the IP address is allowed";
    TrunkTooBrief = "T054":
        uk "{name}: оператор хоче довшої реєстрації ({code} {reason})" / "Збільште expires_s, наприклад до 3600";
        ru "{name}: оператор хочет более долгой регистрации ({code} {reason})" / "Увеличьте expires_s, например до 3600";
        en "{name}: the carrier wants longer registrations ({code} {reason})" / "Raise expires_s, to 3600 for example";
    TrunkOverloaded = "T055":
        uk "{name}: оператор зараз не обслуговує ({code} {reason})" / "Програма спробує ще; якщо це триває, додайте другий сервер в outbound_proxies або спитайте оператора";
        ru "{name}: оператор сейчас не обслуживает ({code} {reason})" / "Программа попробует ещё; если это длится, добавьте второй сервер в outbound_proxies или спросите оператора";
        en "{name}: the carrier does not serve us now ({code} {reason})" / "The program tries again; if it lasts, add a second server to outbound_proxies or ask the carrier";
    TrunkNoName = "T056":
        uk "{name}: для {host} не знайдено адреси" / "Перевірте написання registrar і outbound_proxies та чи працює DNS";
        ru "{name}: для {host} не найдено адреса" / "Проверьте написание registrar и outbound_proxies и работает ли DNS";
        en "{name}: {host} has no address" / "Check how registrar and outbound_proxies are written, and whether DNS works";
    TrunkTls = "T057":
        uk "{name}: TLS з {address} не вдався: {reason}" / "Перевірте ім'я в registrar: воно має стояти в сертифікаті; для власного центру сертифікації вкажіть його файл у sip.tls.trusted";
        ru "{name}: TLS с {address} не удался: {reason}" / "Проверьте имя в registrar: оно должно стоять в сертификате; для своего центра сертификации укажите его файл в sip.tls.trusted";
        en "{name}: TLS with {address} failed: {reason}" / "Check the name in registrar: the certificate must bear it; for a certificate authority of your own, name its file in sip.tls.trusted";
    TrunkClock = "T058":
        uk "{name}: годинник відрізняється від годинника оператора на {seconds} с" / "Увімкніть синхронізацію часу (timedatectl set-ntp true): від годинника залежать сертифікати й дати дзвінків";
        ru "{name}: часы отличаются от часов оператора на {seconds} с" / "Включите синхронизацию времени (timedatectl set-ntp true): от часов зависят сертификаты и даты звонков";
        en "{name}: the clock differs from the carrier's by {seconds} s" / "Turn time synchronisation on (timedatectl set-ntp true): certificates and the dates of calls depend on the clock";
    TrunkUnreachable = "T059":
        uk "{name}: немає з'єднання з {address}" / "Перевірте мережу, порт і transport у registrar та мережевий екран";
        ru "{name}: нет соединения с {address}" / "Проверьте сеть, порт и transport в registrar и межсетевой экран";
        en "{name}: no connection to {address}" / "Check the network, port and transport of registrar, and the firewall";
    TrunkRefused = "T060":
        uk "{name}: оператор відповів {code} {reason}" / "Покажіть цю відповідь оператору; `telefonist doctor --trunk {name}` перевірить решту";
        ru "{name}: оператор ответил {code} {reason}" / "Покажите этот ответ оператору; `telefonist doctor --trunk {name}` проверит остальное";
        en "{name}: the carrier answered {code} {reason}" / "Show this answer to the carrier; `telefonist doctor --trunk {name}` checks the rest";
    ServerSilent = "T061":
        uk "{url} не відповідає: {reason}" / "Запустіть `telefonist serve` з тими самими налаштуваннями; http.listen і http.token мають збігатися";
        ru "{url} не отвечает: {reason}" / "Запустите `telefonist serve` с теми же настройками; http.listen и http.token должны совпадать";
        en "{url} does not answer: {reason}" / "Start `telefonist serve` with the same settings; http.listen and http.token must agree";
    PageOff = "T062":
        uk "Запущену програму нема як спитати: http.listen = \"off\"" / "Вкажіть http.listen = \"127.0.0.1:8080\" і перезапустіть її";
        ru "Запущенную программу не спросить: http.listen = \"off\"" / "Укажите http.listen = \"127.0.0.1:8080\" и перезапустите её";
        en "The running program cannot be asked: http.listen = \"off\"" / "Set http.listen = \"127.0.0.1:8080\" and restart it";
    NoSuchTrunk = "T063":
        uk "Облікового запису {name} немає" / "Є: {names}";
        ru "Учётной записи {name} нет" / "Есть: {names}";
        en "There is no account {name}" / "There are: {names}";
    TrunkNoPing = "T064":
        uk "{name}: на OPTIONS оператор не відповідає" / "Дзвінкам це не заважає; щоб не питати, вкажіть ping_s = 0";
        ru "{name}: на OPTIONS оператор не отвечает" / "Звонкам это не мешает; чтобы не спрашивать, укажите ping_s = 0";
        en "{name}: the carrier does not answer OPTIONS" / "Calls do not suffer; to stop asking, set ping_s = 0";
    BehindNat = "T065":
        uk "{name}: ми за NAT: називаємо себе {advertised}, оператор бачить {seen}" / "Якщо звук іде в один бік, вкажіть sip.advertised_address = \"{seen}\" і відкрийте порти media.first_port–last_port; вимкніть SIP ALG у маршрутизаторі";
        ru "{name}: мы за NAT: называем себя {advertised}, оператор видит {seen}" / "Если звук идёт в одну сторону, укажите sip.advertised_address = \"{seen}\" и откройте порты media.first_port–last_port; выключите SIP ALG в маршрутизаторе";
        en "{name}: we are behind NAT: we call ourselves {advertised}, the carrier sees {seen}" / "If sound passes one way only, set sip.advertised_address = \"{seen}\" and open ports media.first_port–last_port; turn SIP ALG off in the router";
    AdvertisedWrong = "T066":
        uk "{name}: sip.advertised_address = {advertised}, а оператор бачить {seen}" / "Вкажіть sip.advertised_address = \"{seen}\" або приберіть його";
        ru "{name}: sip.advertised_address = {advertised}, а оператор видит {seen}" / "Укажите sip.advertised_address = \"{seen}\" или уберите его";
        en "{name}: sip.advertised_address = {advertised}, but the carrier sees {seen}" / "Set sip.advertised_address = \"{seen}\", or leave it out";
    LoopRefused = "T067":
        uk "{name}: дзвінок собі не вдався: {reason}" / "Перевірте, чи дозволено лінії дзвонити, баланс і формат номера (numbers)";
        ru "{name}: звонок себе не удался: {reason}" / "Проверьте, разрешено ли линии звонить, баланс и формат номера (numbers)";
        en "{name}: the call to ourselves failed: {reason}" / "Check whether the line may place calls, the balance, and how numbers are written (numbers)";
    LoopElsewhere = "T068":
        uk "{name}: на {number} відповів хтось інший" / "Зупиніть `telefonist serve` на час перевірки; номер має вести на цей обліковий запис";
        ru "{name}: на {number} ответил кто-то другой" / "Остановите `telefonist serve` на время проверки; номер должен вести на эту учётную запись";
        en "{name}: somebody else answered {number}" / "Stop `telefonist serve` while the doctor calls; the number must lead to this account";
    SoundLost = "T069":
        uk "Звук не дійшов" / "Відкрийте порти UDP media.first_port–last_port, вкажіть sip.advertised_address, вимкніть SIP ALG у маршрутизаторі; спробуйте інші codecs";
        ru "Звук не дошёл" / "Откройте порты UDP media.first_port–last_port, укажите sip.advertised_address, выключите SIP ALG в маршрутизаторе; попробуйте другие codecs";
        en "The sound did not arrive" / "Open UDP ports media.first_port–last_port, set sip.advertised_address, turn SIP ALG off in the router; try other codecs";
    KeysLost = "T075":
        uk "Натиснуто {sent}, дійшло {came}" / "Увімкніть media.in_band_dtmf або попросіть оператора передавати тони за RFC 4733";
        ru "Нажато {sent}, дошло {came}" / "Включите media.in_band_dtmf или попросите оператора передавать тоны по RFC 4733";
        en "Pressed {sent}, arrived {came}" / "Turn media.in_band_dtmf on, or ask the carrier to pass keys by RFC 4733";
    LoopDropped = "T076":
        uk "Дзвінок урвався через {seconds} с" / "Якщо це близько 32 с, до нас не доходить ACK: SIP ALG у маршрутизаторі або хибна адреса; спробуйте transport=tcp у registrar";
        ru "Звонок оборвался через {seconds} с" / "Если это около 32 с, до нас не доходит ACK: SIP ALG в маршрутизаторе или неверный адрес; попробуйте transport=tcp в registrar";
        en "The call broke off after {seconds} s" / "If that is about 32 s, the ACK does not reach us: SIP ALG in the router, or a wrong address; try transport=tcp in registrar";
    ReferRefused = "T077":
        uk "Оператор не переводить дзвінки за REFER ({code})" / "Вкажіть refer = false: з'єднуватимемо самі";
        ru "Оператор не переводит звонки по REFER ({code})" / "Укажите refer = false: будем соединять сами";
        en "The carrier does not move calls by REFER ({code})" / "Set refer = false: we bridge them ourselves";
    HoldRefused = "T084":
        uk "Оператор не дає утримувати дзвінки ({code})" / "Залиште operator.hold = \"music\": на утриманні звучатиме наша музика; попросіть оператора приймати re-INVITE з a=sendonly";
        ru "Оператор не даёт удерживать звонки ({code})" / "Оставьте operator.hold = \"music\": на удержании будет звучать наша музыка; попросите оператора принимать re-INVITE с a=sendonly";
        en "The carrier does not let calls be put on hold ({code})" / "Leave operator.hold = \"music\": whoever is on hold hears our music; ask the carrier to take re-INVITE with a=sendonly";
    HoldDropped = "T085":
        uk "Дзвінок урвався на утриманні ({code})" / "Вимкніть SIP ALG у маршрутизаторі або спробуйте transport=tcp у registrar; якщо не допоможе, re-INVITE губить оператор, і operator.hold має лишатися \"music\"";
        ru "Звонок оборвался на удержании ({code})" / "Выключите SIP ALG в маршрутизаторе или попробуйте transport=tcp в registrar; если не поможет, re-INVITE теряет оператор, и operator.hold должен оставаться \"music\"";
        en "The call broke off on hold ({code})" / "Turn SIP ALG off in the router, or try transport=tcp in registrar; if that does not help, it is the carrier who loses re-INVITEs, and operator.hold has to stay \"music\"";
    HoldStuck = "T086":
        uk "Після утримання звук не повернувся" / "Повідомте операторові, що після re-INVITE з a=sendrecv звуку немає; вимкніть SIP ALG у маршрутизаторі; operator.hold лишіть \"music\"";
        ru "После удержания звук не вернулся" / "Сообщите оператору, что после re-INVITE с a=sendrecv звука нет; выключите SIP ALG в маршрутизаторе; operator.hold оставьте \"music\"";
        en "After the hold the sound did not come back" / "Tell the carrier that there is no sound after a re-INVITE with a=sendrecv; turn SIP ALG off in the router; leave operator.hold = \"music\"";
    ByeLost = "T078":
        uk "Кінець розмови не дійшов: дзвінки висітимуть" / "Зменште keep_alive_s, наприклад до 15, або спробуйте transport=tcp у registrar; вимкніть SIP ALG у маршрутизаторі";
        ru "Конец разговора не дошёл: звонки будут висеть" / "Уменьшите keep_alive_s, например до 15, или попробуйте transport=tcp в registrar; выключите SIP ALG в маршрутизаторе";
        en "The end of the call did not arrive: calls will hang" / "Lower keep_alive_s, to 15 for example, or try transport=tcp in registrar; turn SIP ALG off in the router";
    CertificateEnds = "T079":
        uk "{name}: сертифікат {address} діє до {day}" / "Його має поновити оператор; спитайте його, поки дзвінки ще йдуть";
        ru "{name}: сертификат {address} действует до {day}" / "Его должен обновить оператор; спросите его, пока звонки ещё идут";
        en "{name}: the certificate of {address} is good until {day}" / "The carrier has to renew it; ask while calls still pass";
    CallFailed = "T040":
        uk "Дзвінок на {target} не вдався: {reason}" / "Перевірте адресу й обліковий запис; налаштування перевіряє `telefonist check`";
        ru "Звонок на {target} не удался: {reason}" / "Проверьте адрес и учётную запись; настройки проверяет `telefonist check`";
        en "The call to {target} failed: {reason}" / "Check the address and the account; `telefonist check` tries the settings";
    NoSuchCall = "T041":
        uk "Дзвінка {id} немає" / "Список дзвінків: `telefonist calls`";
        ru "Звонка {id} нет" / "Список звонков: `telefonist calls`";
        en "There is no call {id}" / "`telefonist calls` lists them";
    SeveralCalls = "T043":
        uk "З {id} починаються кілька дзвінків: {calls}" / "Введіть більше знаків";
        ru "С {id} начинаются несколько звонков: {calls}" / "Введите больше знаков";
        en "Several calls begin with {id}: {calls}" / "Give more of it";
    WavUnusable = "T042":
        uk "{path}: {reason}" / "Вкажіть наявний файл WAV: PCM, 16 біт, моно";
        ru "{path}: {reason}" / "Укажите существующий файл WAV: PCM, 16 бит, моно";
        en "{path}: {reason}" / "Give a WAV file that is there: PCM, 16 bit, mono";
    TlsFileUnusable = "T070":
        uk "{key}: {path} не підходить: {reason}" / "Потрібен файл PEM, який програма може прочитати";
        ru "{key}: {path} не подходит: {reason}" / "Нужен файл PEM, который программа может прочитать";
        en "{key}: {path} cannot be used: {reason}" / "A PEM file is needed that the program may read";
    TlsKeyMismatch = "T071":
        uk "Ключ {key} не від сертифіката {certificate}" / "Вкажіть у sip.tls.certificate і sip.tls.key файли однієї пари";
        ru "Ключ {key} не от сертификата {certificate}" / "Укажите в sip.tls.certificate и sip.tls.key файлы одной пары";
        en "The key {key} does not belong to the certificate {certificate}" / "Name the files of one pair in sip.tls.certificate and sip.tls.key";
    NoAuthorities = "T072":
        uk "У системі немає списку центрів сертифікації" / "Встановіть: apt-get install ca-certificates, або вкажіть sip.tls.trusted";
        ru "В системе нет списка центров сертификации" / "Установите: apt-get install ca-certificates, или укажите sip.tls.trusted";
        en "The system has no list of certificate authorities" / "Install it: apt-get install ca-certificates, or set sip.tls.trusted";
    CertificateExpired = "T073":
        uk "Сертифікат {path} втратив чинність {until}" / "Поновіть файл; перезапуск не потрібен";
        ru "Сертификат {path} утратил силу {until}" / "Обновите файл; перезапуск не нужен";
        en "The certificate {path} expired on {until}" / "Renew the file; no restart is needed";
    CertificateExpires = "T074":
        uk "Сертифікат {path} чинний лише до {until}" / "Поновіть файл; перезапуск не потрібен";
        ru "Сертификат {path} действует лишь до {until}" / "Обновите файл; перезапуск не нужен";
        en "The certificate {path} is valid until {until} only" / "Renew the file; no restart is needed";
    TollBarred = "T083":
        uk "На {target} дзвонити не можна: {reason}" / "Додайте префікс до [toll] allowed або змініть обмеження в [toll]";
        ru "На {target} звонить нельзя: {reason}" / "Добавьте префикс в [toll] allowed или измените ограничения в [toll]";
        en "{target} may not be called: {reason}" / "Add its prefix to [toll] allowed, or change the limits in [toll]";
    KeysInClear = "T090":
        uk "{name}: ключі шифрування звуку йдуть без TLS: хто читає сигналізацію, той чує розмови" / "Додайте ;transport=tls до registrar та outbound_proxies або приберіть srtp: тоді ключі пропонуються лише через TLS";
        ru "{name}: ключи шифрования звука идут без TLS: кто читает сигнализацию, тот слышит разговоры" / "Добавьте ;transport=tls к registrar и outbound_proxies или уберите srtp: тогда ключи предлагаются только через TLS";
        en "{name}: the keys of the sound go without TLS: who reads the signalling hears the calls" / "Add ;transport=tls to registrar and outbound_proxies, or leave srtp out: then keys are offered over TLS only";
    SrtpRefused = "T091":
        uk "{name}: про шифрування звуку не домовились (488)" / "Увімкніть SRTP (secure trunking, лише SDES) у кабінеті оператора; якщо він хоче RTP/SAVP, вкажіть srtp = \"required\", якщо без шифрування — \"off\"";
        ru "{name}: о шифровании звука не договорились (488)" / "Включите SRTP (secure trunking, только SDES) в кабинете оператора; если он хочет RTP/SAVP, укажите srtp = \"required\", если без шифрования — \"off\"";
        en "{name}: no agreement on encrypted sound (488)" / "Turn SRTP (secure trunking, by SDES) on at the carrier's site; set srtp = \"required\" where it wants RTP/SAVP, \"off\" where it wants none";
    SoundPlain = "T092":
        uk "{name}: звук іде незашифрованим, хоча ключі запропоновано" / "Увімкніть SRTP (secure trunking) у кабінеті оператора; srtp = \"required\" відмовляє таким дзвінкам, srtp = \"off\" не пропонує ключів";
        ru "{name}: звук идёт незашифрованным, хотя ключи предложены" / "Включите SRTP (secure trunking) в кабинете оператора; srtp = \"required\" отказывает таким звонкам, srtp = \"off\" не предлагает ключей";
        en "{name}: the sound goes unencrypted, though keys were offered" / "Turn SRTP (secure trunking) on at the carrier's site; srtp = \"required\" refuses such calls, srtp = \"off\" offers no keys";
    NoSuchBan = "T081":
        uk "Заборони для {network} немає" / "Список заборон: `telefonist bans`";
        ru "Запрета для {network} нет" / "Список запретов: `telefonist bans`";
        en "There is no ban on {network}" / "`telefonist bans` lists them";
    NotANetwork = "T082":
        uk "{network} — не адреса й не мережа" / "Запишіть, наприклад: 203.0.113.9 або 203.0.113.0/24";
        ru "{network} — не адрес и не сеть" / "Запишите, например: 203.0.113.9 или 203.0.113.0/24";
        en "{network} is neither an address nor a network" / "Write it like 203.0.113.9 or 203.0.113.0/24";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_number_and_the_same_names_in_all_languages() {
        let names = |text: &str| -> Vec<String> {
            let mut names: Vec<String> =
                text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.into()).collect();
            names.sort();
            names
        };
        let mut seen = std::collections::BTreeSet::new();
        for &code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} is there twice", code.as_str());
            let (title, remedy) = code.texts(Language::English);
            for language in Language::ALL {
                let (other_title, other_remedy) = code.texts(language);
                assert_eq!(names(title), names(other_title), "{}", code.as_str());
                assert_eq!(names(remedy), names(other_remedy), "{}", code.as_str());
                assert!(!other_remedy.is_empty());
            }
        }
    }

    #[test]
    fn values_fill_their_places() {
        let problem = Problem::new(ErrorCode::NoSuchCall).with("id", "abc{id}");
        assert_eq!(problem.title(Language::English), "There is no call abc{id}");
        assert_eq!(Problem::new(ErrorCode::NoSuchCall).title(Language::English), "There is no call {id}");
    }
}
