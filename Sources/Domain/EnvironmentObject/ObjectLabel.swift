/// The labels by which the fleet and its agents recognise objects.
public enum ObjectLabel {
    /// On every object that the fleet writes: `slipway`.
    public static let managedBy = "app.kubernetes.io/managed-by"
    /// On every object that the fleet writes: which concept it stands for, as ``ObjectConcept`` spells it.
    public static let concept = "slipway.io/concept"
    /// On the pods of a release: the instance.
    public static let instance = "slipway.io/instance"
    /// On the pods of a release: the application.
    public static let application = "slipway.io/application"
    /// The id of the command that made or changed the object.
    public static let command = "slipway.io/command"
    /// The generation of that command.
    public static let generation = "slipway.io/generation"
    /// The label on the pods of the instances that a network of several instances leads to; its value is `true`.
    public static func network(_ name: String) -> String { "network.slipway.io/\(name)" }
}
