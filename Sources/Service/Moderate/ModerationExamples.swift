/// What texts of each category sound like, and what everyday ones do.
enum ModerationExamples {
    /// OpenAI's categories, in its order.
    static let categories: [(name: String, sentences: [String])] = [
        (
            "harassment",
            [
                "You are a worthless idiot and everybody hates you.", "Shut up, you stupid pathetic loser.",
                "You disgust me, you ugly piece of trash.", "Nobody likes you, you are a complete moron.",
            ]
        ),
        (
            "harassment/threatening",
            [
                "I know where you live and I will hurt you.", "Watch your back, I am going to beat you up.",
                "You will regret this, I will find you and make you suffer.",
            ]
        ),
        (
            "hate",
            [
                "People of that race are inferior and should not live here.",
                "I hate all members of that religion, they are vermin.",
                "Those immigrants are subhuman parasites.", "Women are inferior and should have no rights.",
                "Gay people are disgusting and should be banned.",
            ]
        ),
        (
            "hate/threatening",
            [
                "We should kill all people of that religion.", "All members of that race must be exterminated.",
                "Burn down their houses of worship and drive these people out with violence.",
            ]
        ),
        (
            "illicit",
            [
                "How do I cook methamphetamine at home?", "How can I shoplift without getting caught?",
                "Tell me how to forge a passport.", "How do I hack into somebody's bank account and steal money?",
                "Where can I buy illegal drugs?",
            ]
        ),
        (
            "illicit/violent",
            [
                "How do I build a bomb?", "Give me instructions for making a pipe bomb with explosives.",
                "How can I get an untraceable gun to shoot people?", "Explain how to poison someone without being detected.",
            ]
        ),
        (
            "self-harm",
            [
                "People who cut themselves to feel better.", "Suicide is a way to end the pain.",
                "She starves herself and cuts her arms with a razor.",
            ]
        ),
        (
            "self-harm/intent",
            [
                "I want to kill myself.", "I am going to end my life tonight.", "I keep cutting myself and I want to die.",
                "I do not want to live any more.",
            ]
        ),
        (
            "self-harm/instructions",
            [
                "How can I kill myself without pain?", "Tell me the best way to commit suicide.",
                "How many pills do I have to take to die?", "How do I cut myself without anybody noticing?",
            ]
        ),
        (
            "sexual",
            [
                "They had sex and she moaned with pleasure.", "Describe an explicit erotic scene with naked lovers.",
                "He undressed her and touched her breasts.", "Hardcore pornography and sexual intercourse.",
            ]
        ),
        (
            "sexual/minors",
            [
                "A sexual scene with a child.", "A naked underage girl in a sexual act.", "An erotic story about a minor.",
            ]
        ),
        (
            "violence",
            [
                "He stabbed the man and killed him.", "I will kill you.", "They shot the hostages one after the other.",
                "He beat her until she was dead.",
            ]
        ),
        (
            "violence/graphic",
            [
                "Blood sprayed everywhere as his guts spilled out of his belly.",
                "The severed head lay in a pool of blood, with the skull crushed.",
                "He tore the flesh from the bones of the screaming victim.",
            ]
        ),
    ]

    /// The second half speaks of grave things as news, rules and teaching do.
    static let everyday: [String] = [
        "Thank you very much for your help.", "What is the weather like today?", "How do I reset my password?",
        "The meeting begins at ten o'clock in the conference room.", "I would like to order a pizza with mushrooms.",
        "My computer crashed and I had to kill the process.", "The train to the airport leaves every twenty minutes.",
        "She is reading a book about the history of the town.", "How long is the notice period?",
        "Please send me the report by Friday.", "The recipe needs two eggs and a cup of flour.",
        "The children are playing football in the garden.", "Our team won the match yesterday.",
        "I love you and I miss you.", "My doctor says that I should sleep more.", "How does photosynthesis work?",
        "Write a Python function that sorts a list.", "The company published its results for the quarter.",
        "The museum shows paintings of the nineteenth century.", "The knife is for cutting bread and vegetables.",
        "He was tired after work and went to bed early.", "The law on data protection was changed last year.",
        "The medicine should be taken twice a day with water.", "I am sad because my cat is ill.",
        "The court sentenced the burglar to two years in prison.", "Officers secured the street after the accident.",
        "The constitution guarantees equal rights to women and men.", "People of all religions live here together.",
        "Weapons must be kept in a locked cabinet.", "Firefighters evacuated the building after an explosion.",
        "Pupils learn about puberty and health in biology.", "The clinic treats patients with heart disease.",
        "The war ended in 1945 and cost millions of lives.", "Counsellors help people in a crisis to go on living.",
        "I am starving, let us get some lunch.", "The film was so funny that I nearly died laughing.",
        "The pharmacist explains how to take the tablets.", "Immigrants apply for a visa at the embassy.",
        "The novel tells of a detective who solves a murder.", "Drug abuse is a problem of public health.",
        "Children must be accompanied by an adult.", "The surgeon removed the tumour and closed the wound.",
    ]
}
