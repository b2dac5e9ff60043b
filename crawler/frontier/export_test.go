package frontier

// Rights lets tests from outside have what the errors name.
const Rights = rights
