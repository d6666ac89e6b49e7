"""The investor: an assistant that calls several functions, as often as it wants."""

import json
import sys

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8123/v1", api_key="any")

# In a real program these ask a market data service; see the package yfinance.
STATEMENTS = {"HCAT": {"TotalRevenue": 306_600_000, "NetIncome": -69_500_000}}
BALANCES = {"HCAT": {"TotalAssets": 853_000_000, "TotalLiabilities": 486_000_000}}
PRICES = {"HCAT": {"2024-06-03": 6.64, "2024-06-28": 6.39}}

functions_map = {
    "get_ticker": lambda inputs: "HCAT",
    "get_income_statement": lambda inputs: json.dumps(STATEMENTS.get(inputs["ticker"])),
    "get_balance_sheet": lambda inputs: json.dumps(BALANCES.get(inputs["ticker"])),
    "get_daily_stock_performance": lambda inputs: json.dumps(PRICES.get(inputs["ticker"])),
}


def function(name, description, field):
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {field: {"type": "string"}},
                "required": [field],
            },
        },
    }


assistant = client.beta.assistants.create(
    name="Investor Assistant",
    instructions="You help user do research on publicly traded companies and you help them decide if they should buy the stock or not.",
    model="gpt-3.5-turbo-0125",
    tools=[
        function("get_ticker", "Given the name of a company returns its ticker symbol", "company_name"),
        function("get_income_statement", "Given a ticker symbol (i.e AAPL) returns the company's income statement.", "ticker"),
        function("get_balance_sheet", "Given a ticker symbol (i.e AAPL) returns the company's balance sheet.", "ticker"),
        function("get_daily_stock_performance", "Given a ticker symbol (i.e AAPL) returns the performance of the stock for the last 100 days.", "ticker"),
    ],
)

question = sys.argv[1] if len(sys.argv) > 1 else "I want to know if Health Catalyst stock is a good buy."
run = client.beta.threads.create_and_run_poll(
    assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": question}]}
)
while run.status == "requires_action":
    outputs = []
    for call in run.required_action.submit_tool_outputs.tool_calls:
        print(f"Calling {call.function.name} with {call.function.arguments}")
        result = functions_map[call.function.name](json.loads(call.function.arguments))
        outputs.append({"tool_call_id": call.id, "output": result})
    run = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
    )

print(f"Run {run.status}" + (f": {run.last_error.message}" if run.last_error else ""))
for message in client.beta.threads.messages.list(run.thread_id, order="asc"):
    print(f"{message.role}: {message.content[0].text.value}")
