@extends('errors.layout')
@section('headline', 'The page went stale')
@section('advice', 'Your form waited too long or came from elsewhere. Go back, reload the page and send it once more.')
