import CRdkafka

extension KafkaProducer {
    /// Takes over the transactional id: the broker refuses what older producers with it still hold.
    ///
    /// Blocks at most the timeout; call once, before the first transaction. After ``KafkaError/isRetriable`` call
    /// again.
    public func initTransactions(timeout: Duration) throws(KafkaError) {
        let handle = try open("take over the transactional id")
        let error = rd_kafka_init_transactions(handle.pointer, timeout.timeoutMilliseconds)
        try KafkaError.check(error, "take over the transactional id")
    }

    /// Begins a transaction; what is sent until it ends is appended together or not at all.
    public func beginTransaction() throws(KafkaError) {
        let handle = try open("begin a transaction")
        try KafkaError.check(rd_kafka_begin_transaction(handle.pointer), "begin a transaction")
    }

    /// Waits until everything sent is acknowledged, then commits; the delivery reports come with the next poll.
    ///
    /// Blocks at most the timeout. After ``KafkaError/isRetriable`` call again; after ``KafkaError/requiresAbort``
    /// abort; after ``KafkaError/isFatal`` make a new producer.
    public func commitTransaction(timeout: Duration) throws(KafkaError) {
        let handle = try open("commit the transaction")
        let error = rd_kafka_commit_transaction(handle.pointer, timeout.timeoutMilliseconds)
        try KafkaError.check(error, "commit the transaction")
    }

    /// Drops what was sent in the transaction; each message is reported as failed by the next poll.
    ///
    /// Blocks at most the timeout. After ``KafkaError/isRetriable`` call again.
    public func abortTransaction(timeout: Duration) throws(KafkaError) {
        let handle = try open("abort the transaction")
        let error = rd_kafka_abort_transaction(handle.pointer, timeout.timeoutMilliseconds)
        try KafkaError.check(error, "abort the transaction")
    }
}
