//! What callers want besides tyres of a size: the intents and the words that give them away, in the three languages at
//! once.

use std::sync::LazyLock;

use super::pattern::{Pattern, patterns};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Danger,
    Operator,
    NoOperator,
    Robot,
    Injection,
    Abuse,
    Complaint,
    Callback,
    Goodbye,
    Thanks,
    Greeting,
    Repeat,
    Confused,
    Wait,
    DontKnow,
    Availability,
    Order,
    Cheaper,
    /// Shoes for the car: tyres in general.
    Tires,
    /// A car without its name.
    Car,
    Language,
    AnySeason,
    OffTopic,
    About(Topic),
}

/// What the shop does and this agent does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Fitting,
    Delivery,
    Hours,
    Address,
    Payment,
    Warranty,
    Storage,
    OrderStatus,
    Invoice,
    Rims,
    BuyBack,
    MadeWhen,
}

const TABLE: &[(Intent, &str)] = &[
    (
        Intent::Danger,
        "дтп; аварі*; авария*; аварии; помира*; умира*; пожеж*; пожар*; швидку допомог*; скорую помощ*; поліці*; \
        полици*; ambulance; fire brigade; emergency",
    ),
    (
        Intent::NoOperator,
        "не треба оператор*; не потрібен оператор*; без оператор*; не надо оператор*; не нужен оператор*; no operator",
    ),
    (
        Intent::Operator,
        "оператор*; менеджер*; консультант*; продавц*; жив* людин*; жив* человек*; з людин*; с человек*; людину; \
        человека; людиною; человеком; покличте; позовите; переключіть; переключите; з'єднайте; соедините; operator*; human; \
        representative; real person; manager; agent; a person; someone real",
    ),
    (
        Intent::Robot,
        "робот*; бот; ботом; автовідповідач*; автоответчик*; штучн* інтелект*; искусствен* интеллект*; нейромереж*; \
        нейросет*; ви людина; вы человек; ти людина; ты человек; ви жива; вы живой; вы живая; ви справжн*; вы настоящ*; \
        це програма; это программа; з ким я говорю; с кем я говорю; я говорю з*; я говорю с*; я розмовляю з*; я разговариваю с*; am i talking to; am i speaking to; robot; a bot; a machine; are you human; are you real; \
        are you a person; chatgpt",
    ),
    (
        Intent::Injection,
        "інструкці*; инструкци*; промпт*; prompt*; ігнору*; игнорир*; ignore; забудь*; forget everything; \
        системн* повідомл*; системн* сообщ*; system message; instructions; ти тепер; ты теперь; you are now; act as; pretend*; \
        уяви що ти; представь что ты; режим розробника; режим разработчик*; developer mode; jailbreak; твої правила; твои правила; \
        your rules; вивед* json; api ключ*; пароль; пароли; password",
    ),
    (
        Intent::Abuse,
        "сука; суки; блять; бляд*; бля; хуй; хуйн*; хуев*; нахуй; піздец*; пиздец*; пизд*; їбан*; ебан*; йобан*; заїбал*; \
        заебал*; мудак*; мудил*; ідіот*; идиот*; дебіл*; дебил*; дурень; дурна; придурок*; придурк*; туп* машин*; тупа; тупой; тупая; тупий; \
        козел; козёл; пішов ти; пошел ты; пошла ты; іди на; иди на; fuck*; shit; bitch; asshole; idiot; stupid; moron",
    ),
    (
        Intent::Complaint,
        "скарг*; скаржит*; поскарж*; жалоб*; пожалова*; претензі*; претензи*; поверніть гроші; повернути гроші; \
        верните деньги; вернуть деньги; обдурил*; обманул*; бракован*; грижа; грыжа; гриж*; грыж*; complain*; refund; defective",
    ),
    (Intent::Callback, "передзвон*; перезвон*; наберіть мене; наберите меня; call me back; callback"),
    (
        Intent::Goodbye,
        "до побачення; допобачення; до свидан*; бувай*; па-па; пока; на все добре; всього доброго; всего доброго; \
        гарного дня; хорошего дня; goodbye; good bye; bye; bye bye; that's all; це все; это все; більше нічого; больше ничего; \
        нічого не треба; ничего не надо; я передумав*; я передумал*; не дзвоніть*; не звоните",
    ),
    (Intent::Thanks, "дяку*; спасибі; спасибо; благодар*; thank*; thanks; cheers"),
    (
        Intent::Greeting,
        "добрий день; доброго дня; добридень; добрий вечір; доброго вечора; доброго ранку; доброго здоров'я; вітаю; \
        привіт; здрастуйте; слава україні; алло; альо; але; добрый день; добрый вечер; доброе утро; здравствуйте; привет; \
        hello; hi; hey; good morning; good afternoon; good evening; слухаю; слушаю",
    ),
    (
        Intent::Repeat,
        "повтор*; ще раз; еще раз; не почув; не почула; не розчу*; не расслыш*; не услыш*; не чути; не слышно; \
        що ви сказали; что вы сказали; repeat; again; pardon; say that; didn't hear; didn't catch",
    ),
    (
        Intent::Confused,
        "не розумію; не зрозумі*; не понимаю; не понял*; don't understand; do not understand; як це; \
        в якому сенсі; в смысле; що казати; что говорить",
    ),
    (
        Intent::Wait,
        "хвилинк*; хвилиночк*; секунд*; секундочк*; зачекайте; почекайте; чекайте; минутк*; минуточк*; подождите; \
        погодите; зараз подивлюся; зараз гляну; сейчас посмотрю; сейчас гляну; wait; one moment; hold on; just a second; just a minute; \
        let me check",
    ),
    (
        Intent::DontKnow,
        "не знаю; не в курсі; не в курсе; не пам'ятаю; не помню; без поняття; без понятия; не впевнен*; не уверен*; \
        don't know; do not know; no idea; not sure; dunno",
    ),
    (
        Intent::AnySeason,
        "будь-як*; будь як*; люб*; все одно; всё равно; без різниці; без разницы; не важливо; не важно; неважливо; \
        неважно; байдуже; any; whatever; doesn't matter",
    ),
    (
        Intent::Availability,
        "наявн*; налич*; на складі; на складе; є у вас; є в; а є; склад*; скільки є; сколько есть; скільки залишил*; \
        сколько осталось; забрати; забрать; самовив*; самовыв*; де можна; где можно; available; availability; in stock; pick up; \
        how many",
    ),
    (
        Intent::Order,
        "замов*; заказ*; оформ*; купл*; купит*; купую; беру; візьму; возьму; забронюй*; бронь; buy; order; i'll take; take it; reserve",
    ),
    (
        Intent::Cheaper,
        "дешевш*; подешевш*; дешевл*; подешевл*; дорого; бюджетн*; економ*; эконом*; cheaper; cheap; expensive; budget",
    ),
    (
        Intent::Tires,
        "шин*; гум*; резин*; покришк*; покрышк*; колес*; коліс*; скат*; tire*; tyre*; wheels; перевзут*; переобу*",
    ),
    (Intent::Car, "машин*; авто; автівк*; автомобіл*; автомобил*; тачк*; my car; a car; vehicle"),
    (
        Intent::Language,
        "російськ*; по-русски; на русском; русский язык; по русски; українськ*; украинск*; по-українськи; \
        англійськ*; английск*; english; speak russian; russian; ukrainian",
    ),
    (
        Intent::OffTopic,
        "погод*; анекдот*; жарт*; шутк*; політик*; политик*; президент*; війн*; войн*; футбол*; вірш*; стих*; пісн*; \
        песн*; казк*; сказк*; рецепт*; кіно; кино; курс долара; курс доллара; піц*; пицц*; weather; joke*; politic*; poem; song; \
        recipe; pizza; football; як справи; как дела; how are you; любиш; одружен*; скільки тобі років; сколько тебе лет; \
        два плюс два; love me; your name; як тебе звати; как тебя зовут; як вас звати; как вас зовут",
    ),
    (
        Intent::About(Topic::Fitting),
        "шиномонтаж*; перевзу*; переобу*; переобув*; балансув*; балансир*; розвал*; развал*; сходжен*; \
        схожден*; монтаж*; поміняти шин*; поменять шин*; заміна шин; замена шин; вулканіз*; вулканиз*; латк*; прокол*; ремонт*; \
        запиш* мене; запиш* меня; записат*; fitting; balancing; alignment; puncture; repair",
    ),
    (
        Intent::About(Topic::Delivery),
        "достав*; нов* пошт*; нов* почт*; відправ*; отправ*; привез*; кур'єр*; курьер*; deliver*; shipping; courier",
    ),
    (
        Intent::About(Topic::Hours),
        "графік*; график*; години роботи; часы работы; працюєте; работаете; коли відкри*; когда откры*; до котрої; \
        до скольки; вихідн*; выходн*; opening hours; are you open; when do you; what time",
    ),
    (
        Intent::About(Topic::Address),
        "адрес*; де ви знаход*; где вы наход*; де знаходит*; где находит*; як доїхат*; как доехат*; як проїхат*; \
        как проехат*; address; where are you; located; directions",
    ),
    (
        Intent::About(Topic::Payment),
        "кредит*; розстроч*; рассроч*; частинами; частями; оплат*; карткою; картой; готівк*; наличными; накладен*; \
        наложен*; монобанк*; приват*; pay; payment; instalment*; installment*; credit; by card",
    ),
    (Intent::About(Topic::Warranty), "гарант*; warrant*; guarantee"),
    (Intent::About(Topic::Storage), "зберіган*; хранен*; зберігат* шин*; хранит* шин*; storage; store my"),
    (
        Intent::About(Topic::OrderStatus),
        "моє замовлен*; мій заказ; мой заказ; моего заказа; мого замовлен*; статус*; де замовлен*; где заказ*; \
        коли приїде; когда приедет; order status; my order; where is my",
    ),
    (
        Intent::About(Topic::Invoice),
        "рахунок*; рахунк*; безготів*; безнал*; єдрпоу; эдрпоу; юрлиц*; юридичн*; юридическ*; пдв; ндс; накладн*; \
        invoice; vat; company account",
    ),
    (
        Intent::About(Topic::Rims),
        "титан*; штамповк*; литі; литые; легкосплавн*; alloy*; rims for sale; диски купити; купити диски; купить диски; продаєте диски; \
        продаете диски",
    ),
    (
        Intent::About(Topic::BuyBack),
        "здати стар*; сдать стар*; викуп*; выкуп*; утиліз*; утилиз*; вживан*; б/у; бу шин*; бэу; used tires; used tyres; trade in",
    ),
    (
        Intent::About(Topic::MadeWhen),
        "рік випуск*; року випуск*; год выпуск*; года выпуск*; яко* року шин*; якого року вони; dot; дот; manufactured; \
        country of; країна виробн*; страна произв*",
    ),
];

static PATTERNS: LazyLock<Vec<(Intent, Vec<Pattern>)>> =
    LazyLock::new(|| TABLE.iter().map(|&(intent, list)| (intent, patterns(list))).collect());

/// Every intent that the folded words show.
pub(super) fn intents(words: &[String]) -> Vec<Intent> {
    let shown = PATTERNS.iter().filter(|(_, patterns)| patterns.iter().any(|pattern| pattern.is_in(words)));
    shown.map(|(intent, _)| *intent).collect()
}
