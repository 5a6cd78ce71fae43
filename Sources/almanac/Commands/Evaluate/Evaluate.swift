import ArgumentParser

/// Measures retrieval and answers on question sets, through the same path that serves users.
struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Measure search and answers on a set of questions.",
        subcommands: [RunEvaluation.self, CompareEvaluations.self, TuneFusion.self, EvaluateCitations.self],
        defaultSubcommand: RunEvaluation.self)
}
