import Postgres
import Testing

@Suite struct NotificationTests {
    let configuration: PostgresConfiguration
    let listener: PostgresConnection
    let sender: PostgresConnection

    init() throws {
        configuration = try TestDatabase.make()
        listener = try PostgresConnection(configuration)
        sender = try PostgresConnection(configuration)
    }

    private func notify(_ channel: String, _ payload: String = "") throws {
        try sender.query("select pg_notify($1, $2)", [.text(channel), .text(payload)])
    }

    @Test func `a notification arrives with its payload`() throws {
        try listener.listen("Odd \"channel\"")
        try notify("Odd \"channel\"", "hello")
        let notification = try listener.waitForNotification(timeout: .seconds(60))
        #expect(notification?.channel == "Odd \"channel\"")
        #expect(notification?.payload == "hello")
        #expect(notification?.backendPID == sender.backendPID)
        #expect(try listener.waitForNotification(timeout: .zero) == nil)
    }

    @Test func `a notification of a transaction leaves with its COMMIT`() throws {
        try listener.listen("wake")
        try sender.transaction { _ in
            try notify("wake")
            #expect(try listener.waitForNotification(timeout: .milliseconds(1)) == nil)
        }
        #expect(try listener.waitForNotification(timeout: .seconds(60))?.payload == "")
    }

    @Test func `notifications that came during a query are not lost`() throws {
        try listener.listen("wake")
        for number in 0..<10 { try notify("wake", "\(number)") }
        try listener.query("select 1")
        for number in 0..<10 {
            #expect(try listener.waitForNotification(timeout: .seconds(60))?.payload == "\(number)")
        }
    }

    @Test func `notifications that came during other calls are dropped, and later ones are not`() throws {
        try listener.listen("wake")
        for number in 0..<10 { try notify("wake", "\(number)") }
        var dropped = 0
        try eventually {
            try listener.query("select 1")
            dropped += listener.dropNotifications()
            return dropped == 10
        }
        #expect(try listener.waitForNotification(timeout: .zero) == nil)
        try notify("wake", "later")
        #expect(try listener.waitForNotification(timeout: .seconds(60))?.payload == "later")
        #expect(listener.dropNotifications() == 0)
    }

    @Test func `without a connection there is nothing to drop`() {
        listener.close()
        #expect(listener.dropNotifications() == 0)
    }

    @Test func `a lost connection wakes the listener, and a reconnect listens again`() throws {
        try listener.listen("wake")
        let pid = listener.backendPID
        try sender.query("select pg_terminate_backend($1)", [.int32(pid)])
        let error = try postgresError { _ = try listener.waitForNotification(timeout: .seconds(60)) }
        #expect(error?.isTransient == true)
        try listener.reconnect()
        try notify("wake", "again")
        #expect(try listener.waitForNotification(timeout: .seconds(60))?.payload == "again")
    }
}
